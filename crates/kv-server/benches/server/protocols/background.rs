//! A program that makes load until it is dropped.

use std::process::Child;

use crate::child::quiet;

/// A running load generator. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Background(Child);

impl Background {
    /// Starts a program that runs long enough.
    pub(super) fn start(program: &str, arguments: &[String]) -> Self {
        Self(quiet(program).args(arguments).spawn().expect(program))
    }

    /// Whether it still makes load: a figure taken beside it counts only then.
    pub(super) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended meanwhile, which is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

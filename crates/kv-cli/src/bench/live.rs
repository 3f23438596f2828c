//! The line that a person at a terminal sees while a run lasts.

use std::time::Duration;

use super::report::per_second;
use crate::spinner::Spinner;
use crate::stopwatch::Stopwatch;

/// The line, and what it was last time.
#[derive(Debug)]
pub(super) struct Live {
    spinner: Option<Spinner>,
    since: Option<Stopwatch>,
    answered: u64,
    at: Duration,
}

impl Live {
    /// Shows nothing where standard error is no terminal.
    pub(super) fn start() -> Self {
        let spinner = Spinner::start("opening connections");
        Self { spinner: Some(spinner), since: None, answered: 0, at: Duration::ZERO }
    }

    /// So many keys are filled in.
    pub(super) fn filling(&self, keys: u64) {
        if keys > 0 {
            self.say(format!("filled in {keys} keys"));
        }
    }

    /// The load begins; so many answers do not belong to it.
    pub(super) fn begin(&mut self, since: Stopwatch, answered: u64) {
        (self.since, self.answered) = (Some(since), answered);
        self.say("running".to_owned());
    }

    /// So many operations were answered, and so many failed.
    pub(super) fn running(&mut self, (answered, failed): (u64, u64)) {
        let Some(now) = self.since.map(Stopwatch::elapsed) else { return };
        let pause = now.saturating_sub(self.at);
        if pause < Duration::from_millis(50) {
            return;
        }
        let rate = per_second(answered.saturating_sub(self.answered), pause);
        self.say(format!("{rate:.0} operations/s, {failed} errors"));
        (self.answered, self.at) = (answered, now);
    }

    /// Removes it.
    pub(super) fn end(&mut self) {
        drop(self.spinner.take());
    }

    fn say(&self, what: String) {
        if let Some(spinner) = &self.spinner {
            spinner.say(what);
        }
    }
}

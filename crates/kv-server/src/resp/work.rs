//! Commands that keep a thread busy for long: each is done on a thread beside those that serve connections.

use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::TryFutureExt as _;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

use super::answers::Answers;
use super::failure::Failure;
use crate::clock::Stopwatch;

/// How much work may compute at the same time: clients that ask for much leave others their processors.
#[derive(Debug)]
pub(crate) struct Workers(Arc<Semaphore>);

impl Default for Workers {
    /// Half of the processors.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors.div_ceil(2))))
    }
}

impl Workers {
    /// Does work that computes, when it is its turn. Once begun it is done even if nobody waits for it.
    pub(crate) fn compute(
        &self,
        job: impl FnOnce() -> Result<Answers, Failure> + Send + 'static,
    ) -> impl Future<Output = Result<Answers, Failure>> + Send + 'static {
        let places = Arc::clone(&self.0);
        async move {
            let asked = Stopwatch::start();
            let place = places.acquire_owned().await;
            let queued = asked.elapsed();
            let answers = wait(move || {
                let answers = job();
                drop(place);
                answers
            });
            let mut answers = answers.await?;
            answers.queued = queued;
            Ok(answers)
        }
    }
}

/// Does work that waits for something else, such as a disk. Once begun it is done even if nobody waits for it.
pub(crate) async fn wait(
    job: impl FnOnce() -> Result<Answers, Failure> + Send + 'static,
) -> Result<Answers, Failure> {
    spawn_blocking(job).unwrap_or_else(|error| Err(failed(error))).await
}

/// The connection ends as if the panic had happened on its own thread.
fn failed(error: JoinError) -> Failure {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_cancelled) => Failure::Text("ERR the server stops"),
    }
}

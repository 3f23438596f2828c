//! Commands that take so long that other connections must not wait for them: each is done on a thread beside
//! those that serve connections, and answered when it is done.

use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

use super::answers::Answers;
use super::failure::Failure;
use crate::clock::Stopwatch;
use crate::promise::Basis;

/// What is yet to be done for a command.
pub(crate) struct Work {
    run: Job,
    keeps_busy: bool,
}

/// Writes the answer, and tells what it rests on. What it has written is dropped when it fails.
type Job = Box<dyn FnOnce(&mut Answers) -> Result<Basis, Failure> + Send>;

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("keeps_busy", &self.keeps_busy).finish_non_exhaustive()
    }
}

impl Work {
    /// Work that keeps a processor busy.
    pub(crate) fn computing(
        run: impl FnOnce(&mut Answers) -> Result<Basis, Failure> + Send + 'static,
    ) -> Self {
        Self { run: Box::new(run), keeps_busy: true }
    }

    /// Work that waits for something else, such as a disk.
    pub(crate) fn waiting(
        run: impl FnOnce(&mut Answers) -> Result<Basis, Failure> + Send + 'static,
    ) -> Self {
        Self { run: Box::new(run), keeps_busy: false }
    }
}

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

/// Work that has begun, or waits for its turn. It is done even if nobody waits for it any more.
pub(super) struct Working(Pin<Box<dyn Future<Output = Result<Done, JoinError>> + Send>>);

/// Work that is done: its answer, or why there is none.
struct Done {
    answer: Result<(Answers, Basis), Failure>,
    took: Duration,
}

/// Work whose answer was written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Worked {
    /// What the answer rests on.
    pub(super) basis: Basis,
    /// How long it took, without the time it waited for its turn.
    pub(super) took: Duration,
}

impl fmt::Debug for Working {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Working").finish_non_exhaustive()
    }
}

impl Workers {
    /// Begins work as soon as it may be.
    pub(super) fn begin(&self, work: Work) -> Working {
        let Work { run, keeps_busy } = work;
        let places = keeps_busy.then(|| Arc::clone(&self.0));
        Working(Box::pin(async move {
            let place = match places {
                // Nobody closes it.
                Some(places) => places.acquire_owned().await.ok(),
                None => None,
            };
            let job = spawn_blocking(move || {
                let (mut answers, began) = (Answers::default(), Stopwatch::start());
                let answer = run(&mut answers).map(|basis| (answers, basis));
                drop(place);
                Done { answer, took: began.elapsed() }
            });
            job.await
        }))
    }
}

impl Working {
    /// Appends the answer once it is there.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        answers: &mut Answers,
    ) -> Poll<Worked> {
        let Done { answer, took } = match ready!(self.0.as_mut().poll(context)) {
            Ok(done) => done,
            // The connection ends as if the panic had happened on its own thread.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => {
                    answers.error(&Failure::Text("ERR the server stops"));
                    return Poll::Ready(Worked::default());
                }
            },
        };
        let basis = match answer {
            Ok((done, basis)) => {
                answers.append(done);
                basis
            }
            Err(failure) => {
                answers.error(&failure);
                Basis::default()
            }
        };
        Poll::Ready(Worked { basis, took })
    }
}

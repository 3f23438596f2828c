//! Following one request of gRPC or HTTP, from its head to the end of its answer.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::{Method, Uri};
use kv_core::lock_waited_ns;

use super::line::micros;
use super::request::{Over, Phases};
use super::tell::Told;
use super::words::Words;
use crate::clock::Stopwatch;
use crate::gate::Gate;
use crate::metrics::{Operation, Protocol};
use crate::{woken, workers};

/// Whose requests are followed: one for each connection.
pub(crate) struct Caller {
    pub(crate) gate: Arc<Gate>,
    pub(crate) protocol: Protocol,
    pub(crate) addr: SocketAddr,
    /// When its latest request was over, in microseconds since the server started.
    over_us: AtomicU64,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Caller {
    /// Who has just connected.
    pub(crate) fn new(gate: &Arc<Gate>, protocol: Protocol, addr: SocketAddr) -> Arc<Self> {
        let (gate, over_us) = (Arc::clone(gate), AtomicU64::new(0));
        let caller = Self { gate, protocol, addr, over_us };
        caller.over(Stopwatch::start());
        Arc::new(caller)
    }

    /// Its latest request is over. Tells how long the server runs then.
    fn over(&self, at: Stopwatch) -> Duration {
        let at = at.since(self.gate.started());
        self.over_us.store(micros(at), Ordering::Relaxed);
        at
    }

    /// How long what begins now may have waited: most clients send nothing before they have their answer.
    fn queued(&self, now: Stopwatch) -> Duration {
        let over = Duration::from_micros(self.over_us.load(Ordering::Relaxed));
        let at = now.since(self.gate.started());
        woken::queued(at).min(at.saturating_sub(over))
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Following {
    caller: Arc<Caller>,
    queue: Duration,
    lock: Duration,
    told: Told,
}

/// A request whose answer is on its way: it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Answered {
    caller: Arc<Caller>,
    named: Named,
    operation: Operation,
    phases: Phases,
    told: Told,
    /// Since the answer was made.
    since: Option<Stopwatch>,
}

/// What was asked for, as it is shown.
#[derive(Debug)]
pub(crate) enum Named {
    /// An HTTP request, by its head.
    Http(Method, Uri),
    /// A call, by the last part of its path.
    Grpc(Uri),
    /// One of many requests of a call.
    Part(&'static str),
}

impl Following {
    /// Follows a request whose execution begins at `started`.
    pub(crate) fn begin(caller: &Arc<Caller>, started: Stopwatch) -> Self {
        let (queue, lock) = (caller.queued(started), Duration::ZERO);
        Self { caller: Arc::clone(caller), queue, lock, told: Told::NOTHING }
    }

    /// Listens to the request while it is at work on this thread, which may be often.
    pub(crate) fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        Told::listen();
        let before_ns = lock_waited_ns();
        let done = work();
        self.lock += Duration::from_nanos(lock_waited_ns().saturating_sub(before_ns));
        self.told.hear();
        done
    }

    /// Listens to the request until the future ends.
    pub(crate) async fn through<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| -> Poll<F::Output> {
            self.during(|| future.as_mut().poll(context))
        })
        .await
    }

    /// Its answer is made, `took` after it began.
    pub(crate) fn answered(
        self,
        named: Named,
        operation: Operation,
        (started, took): (Stopwatch, Duration),
    ) -> Answered {
        let Self { caller, queue, lock, told } = self;
        let phases = Phases {
            queue,
            lock,
            execution: took.saturating_sub(lock + told.log + told.arrival),
            log: told.log,
            reply: Duration::ZERO,
        };
        let ended = started.after(took);
        workers::worked(caller.over(ended), queue);
        let since = Some(ended);
        Answered { caller, named, operation, phases, told, since }
    }
}

impl Answered {
    /// The answer has waited for the log besides, until now.
    pub(crate) fn logged(&mut self) {
        if let Some(since) = &mut self.since {
            let waited = since.elapsed();
            self.phases.log += waited;
            *since = since.after(waited);
        }
    }

    /// It is over as far as that can be told: how long the client takes is not followed.
    pub(crate) fn finish(mut self) {
        self.since = None;
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            self.phases.reply = since.elapsed();
            self.caller.over(since.after(self.phases.reply));
        }
        let gate = &self.caller.gate;
        if gate.slow().is_slow(self.phases.total()) {
            gate.slow().add(gate, self.over());
        }
    }
}

impl Answered {
    #[cold]
    fn over(&self) -> Over {
        Over {
            protocol: self.caller.protocol,
            operation: self.operation,
            operations: self.told.operations.max(1) as u64,
            client: self.caller.addr,
            client_name: Box::default(),
            words: self.words(),
            phases: self.phases,
            arrival: self.told.arrival,
        }
    }

    fn words(&self) -> Words {
        let mut words: Vec<Vec<u8>> = match &self.named {
            Named::Http(method, uri) => {
                let path = uri.path_and_query().map_or("/", |path| path.as_str());
                vec![method.as_str().into(), path.into()]
            }
            Named::Grpc(uri) => vec![uri.path().rsplit('/').next().unwrap_or_default().into()],
            Named::Part(name) => vec![(*name).into()],
        };
        if !matches!(self.named, Named::Http(..)) {
            words.extend(self.told.key.shown());
        }
        Words::of(words.iter())
    }
}

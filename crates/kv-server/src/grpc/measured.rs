//! Calls, measured: how long each took from its headers to its answer, and why those failed that did.
//!
//! A call with a stream of answers has no duration of its own: its batches and pages are measured one by one
//! where they are made.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::{HeaderMap, Response, Uri};
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::{Code, Status};

use super::counter::Counter;
use super::framing::Framing;
use super::inbound::Messages;
use super::outbound::Outbound;
use crate::budget::Held;
use crate::clock::Stopwatch;
use crate::contract::error_kind;
use crate::metrics::{ErrorKind, Metrics, Operation, Protocol};
use crate::slow::{Answered, Caller, Following, Named};

/// The header of an answer that is nothing but a status.
const STATUS_HEADER: &str = "grpc-status";

/// A call that is being measured.
pub(crate) struct Measuring {
    call: Call,
    uri: Uri,
    started: Stopwatch,
    caller: Arc<Caller>,
}

/// A call that is being measured, on its way to its answer.
pub(crate) struct Measured {
    answer: BoxFuture<Response<Body>, Infallible>,
    measuring: Measuring,
    /// Until it is answered.
    following: Option<Following>,
    /// What the call holds in the account of its connection.
    held: Arc<Held>,
}

/// How a call is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// As a whole.
    Whole(Operation),
    /// In its parts, unless it is refused.
    InParts(Operation),
}

impl Measuring {
    /// Measures the call from now on.
    pub(crate) fn start(uri: &Uri, caller: &Arc<Caller>) -> Self {
        let (call, started) = (call(uri.path()), Stopwatch::start());
        Self { call, uri: uri.clone(), started, caller: Arc::clone(caller) }
    }

    /// The call's end.
    pub(crate) fn until(
        self,
        answer: BoxFuture<Response<Body>, Infallible>,
        held: Arc<Held>,
    ) -> Measured {
        let following = Some(Following::begin(&self.caller, self.started));
        Measured { answer, measuring: self, following, held }
    }

    /// Whether its parts are measured.
    pub(crate) fn is_in_parts(&self) -> bool {
        matches!(self.call, Call::InParts(_))
    }

    /// How many messages the call's body has.
    pub(crate) fn messages(&self) -> Messages {
        match self.call {
            // Reflection, and whatever is asked for in vain, may be a stream of messages.
            Call::InParts(Operation::Pipeline) | Call::Whole(Operation::Other) => {
                Messages::Many { framing: Framing::default(), held: 0 }
            }
            _ => Messages::One { arrived: 0 },
        }
    }

    /// Counts the operations or keys of the call's messages, which may be `max` in one; `None` when there is
    /// but one of them.
    pub(crate) fn counter(&self, max: usize) -> Option<Counter> {
        let (Call::Whole(operation) | Call::InParts(operation)) = self.call;
        let path: &[u64] = match operation {
            Operation::BatchRead | Operation::BatchWrite => &[1],
            Operation::Pipeline => &[1, 1],
            _ => return None,
        };
        Some(Counter::new(path, max))
    }

    /// Whether the call changes nothing.
    fn only_reads(&self) -> bool {
        use Operation::{BatchRead, Exists, Get, Other, Scan, Session};
        let (Call::Whole(operation) | Call::InParts(operation)) = self.call;
        matches!(operation, Get | Exists | BatchRead | Scan | Session | Other)
    }

    fn metrics(&self) -> &Arc<Metrics> {
        self.caller.gate.metrics()
    }

    /// The answer is made. It is followed until the client has it, where it has an end.
    fn end(&self, failure: Option<ErrorKind>, following: Option<Following>) -> Option<Answered> {
        use Operation::{Other, Session};
        if let Some(kind) = failure {
            self.metrics().error(Protocol::Grpc, kind);
        }
        let operation = match self.call {
            Call::InParts(_) if failure.is_none() => return None,
            Call::Whole(operation) | Call::InParts(operation) => operation,
        };
        let took = self.started.elapsed();
        self.metrics().record(Protocol::Grpc, operation, took, 1);
        let named = Named::Grpc(self.uri.clone());
        let answered = following?.answered(named, operation, (self.started, took));
        if matches!(operation, Session | Other) {
            answered.finish();
            return None;
        }
        Some(answered)
    }
}

impl Future for Measured {
    type Output = Result<Response<Outbound>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { answer, measuring, following, held } = &mut *self;
        let mut poll = || answer.as_mut().poll(context);
        let polled = match following {
            Some(following) => following.during(poll),
            None => poll(),
        };
        let Ok(response) = ready!(polled);
        let answered = measuring.end(failure(response.headers()), following.take());
        if let Messages::One { .. } = measuring.messages() {
            // Nothing of the request is left.
            held.clear();
        }
        let (held, metrics) = (Arc::clone(held), Arc::clone(measuring.metrics()));
        let reads = measuring.only_reads();
        let outbound = |body| Outbound::new(body, held, metrics, (reads, answered));
        Poll::Ready(Ok(response.map(outbound)))
    }
}

fn call(path: &str) -> Call {
    let (service, method) = path.rsplit_once('/').unwrap_or_default();
    Call::Whole(match (service, method) {
        ("/kv.v1.Kv", "Get") => Operation::Get,
        ("/kv.v1.Kv", "Set") => Operation::Set,
        ("/kv.v1.Kv", "Delete") => Operation::Delete,
        ("/kv.v1.Kv", "Exists") => Operation::Exists,
        ("/kv.v1.Kv", "Increment") => Operation::Increment,
        ("/kv.v1.Kv", "Append") => Operation::Append,
        ("/kv.v1.Kv", "Expire") => Operation::Expire,
        ("/kv.v1.Kv", "Persist") => Operation::Persist,
        ("/kv.v1.Kv", "BatchGet") => Operation::BatchRead,
        ("/kv.v1.Kv", "BatchWrite") => Operation::BatchWrite,
        ("/kv.v1.Kv", "Pipeline") => return Call::InParts(Operation::Pipeline),
        ("/kv.v1.Kv", "Scan") => return Call::InParts(Operation::Scan),
        ("/kv.v1.Admin", _) => Operation::Admin,
        ("/grpc.health.v1.Health", _) => Operation::Session,
        _ => Operation::Other,
    })
}

/// Counts the failure that ends a stream of answers.
pub(crate) fn count_failure(metrics: &Metrics, status: &Status) {
    if let Some(kind) = error_kind(status.code()) {
        metrics.error(Protocol::Grpc, kind);
    }
}

/// Why a call failed; `None` when it did not, or only its stream will tell.
fn failure(headers: &HeaderMap) -> Option<ErrorKind> {
    error_kind(Code::from_bytes(headers.get(STATUS_HEADER)?.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every method of the contract has a name of its own in the metrics, or shares one knowingly.
    #[test]
    fn every_method_of_the_contract_is_known() {
        let contract = include_str!("../../../../proto/kv/v1/kv.proto");
        let methods: Vec<&str> = contract
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc "))
            .filter_map(|rpc| rpc.split('(').next())
            .collect();
        assert!(methods.len() >= 12, "{methods:?}");
        for method in methods {
            let path = format!("/kv.v1.Kv/{method}");
            assert_ne!(call(&path), Call::Whole(Operation::Other), "{path}");
        }
        assert_eq!(call("/kv.v1.Admin/Stats"), Call::Whole(Operation::Admin));
        for strange in ["", "/", "Get", "/kv.v1.Kv/get", "/kv.v2.Kv/Get", "/a/b/c"] {
            assert_eq!(call(strange), Call::Whole(Operation::Other), "{strange:?}");
        }
    }

    #[test]
    fn failures_are_read_from_the_status() {
        let of = |status: Status| failure(status.into_http::<Body>().headers());
        assert_eq!(of(Status::unavailable("")), Some(ErrorKind::Unavailable));
        assert_eq!(of(Status::unimplemented("")), Some(ErrorKind::Unsupported));
        assert_eq!(of(Status::ok("")), None);
        assert_eq!(failure(&HeaderMap::new()), None);
    }
}

//! Why a call failed, and what the caller can do next.

use std::time::Duration;

use bytes::Bytes;

use crate::limits::{
    ADDRESSES_MAX, ATTEMPTS_MAX, CONNECTIONS_MAX, IN_FLIGHT_MAX, MESSAGE_BYTES_MAX,
};
use crate::{KeyState, Reason};

/// Why a call failed. [`Error::kind`] tells what to do next; the message keeps the server's words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client was given settings it cannot work with.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The condition of a write did not hold; nothing was written.
    #[error("the condition does not hold: {}", describe(*.current))]
    ConditionFailed {
        /// The key's state now; `None` when it does not exist.
        current: Option<KeyState>,
        /// The value now, when `return_previous` asked for it.
        previous: Option<Bytes>,
    },
    /// The server refused the request, and would refuse it again.
    #[error("{message}")]
    BadRequest {
        /// Which rule the request broke.
        reason: Reason,
        /// The server's words: what was wrong and what is allowed.
        message: String,
    },
    /// The server cannot take the request now: overloaded, out of memory or shutting down.
    #[error("{message}")]
    Busy {
        /// What the server lacks.
        reason: Reason,
        /// The server's words.
        message: String,
    },
    /// No server could be reached, or the connection broke during a read.
    #[error("cannot reach kv-server at {address}: {message}")]
    Unreachable {
        /// The address that was tried last.
        address: String,
        /// What the network said.
        message: String,
        /// The transport's error.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A read got no answer in time.
    #[error("no answer from kv-server at {address} within {after:?}")]
    TimedOut {
        /// The address that was tried last.
        address: String,
        /// The time allowed.
        after: Duration,
    },
    /// A write was sent and its answer never came: it was applied, or it was not.
    #[error("no answer from kv-server at {address}, the write may have been applied: {message}")]
    OutcomeUnknown {
        /// The address the write was sent to.
        address: String,
        /// What happened to the answer.
        message: String,
    },
    /// The server answered that the log has failed: the write was made and may be lost at its next start,
    /// or what a read found may be.
    #[error("{message}")]
    DurabilityUnknown {
        /// The server's words.
        message: String,
    },
    /// An atomic batch was not applied; none of its operations was.
    #[error("the atomic batch was not applied because of operation {index}: {source}")]
    BatchNotApplied {
        /// The first operation whose condition did not hold or that was refused.
        index: usize,
        /// Why.
        source: Box<Error>,
    },
    /// As many batches as allowed await their answers; receive one before sending the next.
    #[error(
        "pipeline is full: {in_flight_max} batches await their answers; receive one before sending \
         the next"
    )]
    PipelineFull {
        /// The bound on batches in flight.
        in_flight_max: usize,
    },
    /// The pipeline takes no more batches; its receiver knows why.
    #[error("pipeline is closed: its receiver was dropped or has returned an error")]
    PipelineClosed,
    /// The server's fault, or an answer that makes no sense.
    #[error("{message}")]
    Internal {
        /// The server's words, or what was wrong with its answer.
        message: String,
    },
}

/// What the caller of a failed call can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing was done. The same request may succeed later: repeat it after a pause.
    Retry,
    /// Nothing was written. Read the key again and decide anew.
    ConditionFailed,
    /// Nothing was done, and repeating the request will not help: change it.
    BadRequest,
    /// Nothing was done. Check that a server runs at the address.
    Unreachable,
    /// A write was sent, and its answer was lost or said that its outcome is unknown. Read the key to see,
    /// or repeat the write if twice is as good as once. Of a read: what it found may be lost.
    Unknown,
    /// The server or this client is at fault: report it.
    Internal,
}

impl Error {
    /// What to do next.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) | Self::BadRequest { .. } => ErrorKind::BadRequest,
            Self::ConditionFailed { .. } => ErrorKind::ConditionFailed,
            Self::Busy { .. } | Self::PipelineFull { .. } => ErrorKind::Retry,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::PipelineClosed => {
                ErrorKind::Unreachable
            }
            Self::OutcomeUnknown { .. } | Self::DurabilityUnknown { .. } => ErrorKind::Unknown,
            Self::BatchNotApplied { source, .. } => source.kind(),
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// Why the server refused the request, when it did.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::BadRequest { reason, .. } | Self::Busy { reason, .. } => Some(reason),
            Self::DurabilityUnknown { .. } => Some(&Reason::OutcomeUnknown),
            Self::BatchNotApplied { source, .. } => source.reason(),
            _ => None,
        }
    }

    /// The key's state that made a condition fail, as the server saw it.
    pub fn current(&self) -> Option<KeyState> {
        match self {
            Self::ConditionFailed { current, .. } => *current,
            Self::BatchNotApplied { source, .. } => source.current(),
            _ => None,
        }
    }
}

/// What was wrong with the settings of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address that names no server.
    #[error("bad address {address:?}: {problem}; an address is like http://127.0.0.1:7380")]
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No address, or too many.
    #[error("{given} addresses given: 1 to {ADDRESSES_MAX} are allowed")]
    Addresses {
        /// How many were given.
        given: usize,
    },
    /// No connection, or too many.
    #[error("{given} connections per address asked for: 1 to {CONNECTIONS_MAX} are allowed")]
    Connections {
        /// How many were asked for.
        given: usize,
    },
    /// No attempt, or too many.
    #[error("retry policy with {given} attempts: 1 to {ATTEMPTS_MAX} are allowed")]
    Attempts {
        /// How many were asked for.
        given: u32,
    },
    /// A retry policy whose pauses shrink.
    #[error("retry policy with backoff_min {min:?} above backoff_max {max:?}: it must not be")]
    Backoff {
        /// The shortest pause.
        min: Duration,
        /// The longest pause.
        max: Duration,
    },
    /// A timeout of zero.
    #[error("{name} is zero: it must be longer")]
    Timeout {
        /// Which timeout.
        name: &'static str,
    },
    /// A message limit of zero, or too high.
    #[error("message_bytes_max is {given}: 1 to {MESSAGE_BYTES_MAX} are allowed")]
    MessageBytes {
        /// What was asked for.
        given: usize,
    },
    /// A pipeline with no batch in flight, or too many.
    #[error("in_flight_max is {given}: 1 to {IN_FLIGHT_MAX} batches are allowed")]
    InFlight {
        /// How many were asked for.
        given: usize,
    },
    /// A client was made outside of a Tokio runtime.
    #[error("a client needs a Tokio runtime: make it inside of one")]
    NoRuntime,
}

fn describe(current: Option<KeyState>) -> String {
    match current {
        Some(state) => format!("the key is at version {}", state.version),
        None => "the key does not exist".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;

    fn check(error: &Error, kind: ErrorKind, message: &str) {
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
    }

    #[test]
    fn each_error_tells_what_to_do_next() {
        let busy =
            || Error::Busy { reason: Reason::OutOfMemory, message: "out of memory".to_owned() };
        check(&busy(), ErrorKind::Retry, "out of memory");
        check(
            &Error::BatchNotApplied { index: 3, source: Box::new(busy()) },
            ErrorKind::Retry,
            "the atomic batch was not applied because of operation 3: out of memory",
        );
        check(
            &Error::ConditionFailed { current: None, previous: None },
            ErrorKind::ConditionFailed,
            "the condition does not hold: the key does not exist",
        );
        let current = Some(KeyState { version: Version::new(7), ttl: None });
        check(
            &Error::ConditionFailed { current, previous: None },
            ErrorKind::ConditionFailed,
            "the condition does not hold: the key is at version 7",
        );
        check(
            &Error::Unreachable {
                address: "http://a:1".to_owned(),
                message: "Connection refused".to_owned(),
                source: None,
            },
            ErrorKind::Unreachable,
            "cannot reach kv-server at http://a:1: Connection refused",
        );
        check(
            &Error::OutcomeUnknown {
                address: "http://a:1".to_owned(),
                message: "connection reset".to_owned(),
            },
            ErrorKind::Unknown,
            "no answer from kv-server at http://a:1, the write may have been applied: connection \
             reset",
        );
    }

    #[test]
    fn what_an_atomic_batch_failed_on_shows_through() {
        let current = Some(KeyState { version: Version::new(7), ttl: None });
        let source = Box::new(Error::ConditionFailed { current, previous: None });
        assert_eq!(Error::BatchNotApplied { index: 0, source }.current(), current);
        let source =
            Box::new(Error::BadRequest { reason: Reason::NotAnInteger, message: String::new() });
        let error = Error::BatchNotApplied { index: 0, source };
        assert_eq!(error.reason(), Some(&Reason::NotAnInteger));
    }
}

//! Turns gRPC statuses into errors, and tells which failures may be repeated.

use std::error::Error as StdError;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::transport::TransportError;
use crate::{Error, Reason};

/// Whether a request changes anything, and so whether it may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing.
    Read,
    /// May change something.
    Write,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What to tell the caller.
    pub(crate) error: Error,
    /// Whether another attempt is safe and may help.
    pub(crate) retry: bool,
}

/// Judges a failed attempt.
pub(crate) fn classify(status: Status, address: &str, effect: Effect) -> Failure {
    match origin(&status) {
        // The server has seen nothing, so that even a write may be sent again.
        Origin::NotProcessed => Failure { error: unreachable(status, address), retry: true },
        Origin::NotGrpc => Failure { error: not_grpc(status, address), retry: false },
        Origin::ConnectionLost if effect == Effect::Read => {
            Failure { error: unreachable(status, address), retry: true }
        }
        Origin::ConnectionLost => {
            let message = root_cause(&status);
            let error = Error::OutcomeUnknown { address: address.to_owned(), message };
            Failure { error, retry: false }
        }
        Origin::Answered => {
            let error = answered(&status, address, effect);
            let retry = match &error {
                Error::Busy { reason, .. } => {
                    effect == Effect::Read || reason.is_before_execution()
                }
                _ => false,
            };
            Failure { error, retry }
        }
    }
}

/// Where a status was made.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// Here: no connection could be opened, or the server said that it did not look at the request.
    NotProcessed,
    /// Here: what answers at the address is no gRPC server. It is as if nobody were there.
    NotGrpc,
    /// Here: the connection broke after the request may have been sent.
    ConnectionLost,
    /// The server sent it, or the codec found the message at fault.
    Answered,
}

/// What HTTP/2 makes of the first bytes of an answer in another protocol.
const NOT_HTTP2: &str = "frame with invalid size";

/// What tonic makes of an HTTP answer without gRPC status.
const NO_GRPC_STATUS: &str = "grpc-status header missing";

/// Tonic keeps a source in every status that it makes of a transport error. Of the statuses it makes of
/// incomplete answers only the text tells; tests hold these texts against the version in use.
fn origin(status: &Status) -> Origin {
    if status.code() == Code::Unimplemented && status.message().starts_with(NO_GRPC_STATUS) {
        return Origin::NotGrpc;
    }
    let mut source = status.source();
    if source.is_none() {
        // A stream that ended without a status. The server itself always sends a better code.
        let cut = status.code() == Code::Unknown && status.get_details_error_info().is_none();
        return if cut { Origin::ConnectionLost } else { Origin::Answered };
    }
    while let Some(error) = source {
        match error.downcast_ref() {
            Some(TransportError::NotConnected(_) | TransportError::NotProcessed(_)) => {
                return Origin::NotProcessed;
            }
            Some(TransportError::Lost(_)) | None => {}
        }
        if error.source().is_none() && error.to_string().contains(NOT_HTTP2) {
            return Origin::NotGrpc;
        }
        source = error.source();
    }
    Origin::ConnectionLost
}

/// The error for a status the server sent.
fn answered(status: &Status, address: &str, effect: Effect) -> Error {
    let reason = match status.get_details_error_info() {
        Some(info) => Reason::from_name(&info.reason),
        None if status.code() == Code::OutOfRange && status.message().contains("too large") => {
            Reason::MessageTooLong
        }
        None => Reason::Unspecified,
    };
    // Without the server's own reason, a proxy or a dying connection says so, and may have passed the
    // request on before.
    let someone_else = reason == Reason::Unspecified
        && matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Aborted)
        || status.code() == Code::Cancelled;
    if someone_else && effect == Effect::Write {
        let message = words(status.code(), status.message());
        return Error::OutcomeUnknown { address: address.to_owned(), message };
    }
    refusal(status.code(), reason, status.message())
}

/// The error for a refusal, of a whole request or of one operation in a batch.
pub(crate) fn refusal(code: Code, reason: Reason, message: &str) -> Error {
    let message = words(code, message);
    if reason.is_temporary() {
        return Error::Busy { reason, message };
    }
    if reason == Reason::OutcomeUnknown {
        return Error::DurabilityUnknown { message };
    }
    match code {
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Cancelled
        | Code::DeadlineExceeded => Error::Busy { reason, message },
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::PermissionDenied
        | Code::Unauthenticated => Error::BadRequest { reason, message },
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => Error::Internal { message },
    }
}

/// The server's words; a status without any gets its code's.
fn words(code: Code, message: &str) -> String {
    if message.is_empty() { code.description().to_owned() } else { message.to_owned() }
}

fn unreachable(status: Status, address: &str) -> Error {
    Error::Unreachable {
        address: address.to_owned(),
        message: root_cause(&status),
        source: Some(Box::new(status)),
    }
}

fn not_grpc(status: Status, address: &str) -> Error {
    let cause = root_cause(&status);
    Error::Unreachable {
        address: address.to_owned(),
        message: format!("what answers there does not speak gRPC ({cause})"),
        source: Some(Box::new(status)),
    }
}

/// What the innermost error says: "Connection refused", not "transport error".
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

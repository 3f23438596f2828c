//! Every reason for which a request can be refused: its name, its status and its title.

use hyper::StatusCode;
use kv_proto::v1::ErrorReason;

use crate::metrics::ErrorKind;

/// What every name of [`ErrorReason`] starts with, and is left out here as in gRPC's `ErrorInfo`.
const CONTRACT_PREFIX: &str = "ERROR_REASON_";

/// Seconds after which a client may try again what is refused for a short time.
const SOON_S: u64 = 1;

/// Seconds after which a client may try again what is refused until somebody restarts the server.
const LATER_S: u64 = 30;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Reason {
    /// What gRPC refuses for this reason too.
    Contract(ErrorReason),
    /// The path names nothing.
    PathNotFound,
    /// The key does not exist.
    KeyNotFound,
    /// The path is not percent-encoded.
    BadPath,
    /// The query is malformed, contradicts itself, or lacks or has too much.
    BadQuery,
    /// A header is malformed, or contradicts the query.
    BadHeader,
    /// The body is not what its type says.
    BadBody,
    /// A page of a web site that is not trusted wants to change something.
    OriginNotAllowed,
    /// The resource does not have this method.
    MethodNotAllowed,
    /// No representation that the client accepts.
    NotAcceptable,
    /// The rule did not allow the change of the expiry.
    ExpiryRuleUnmet,
    /// Others changed the key whenever the write was tried.
    KeyContended,
    /// `If-Match` or `If-None-Match` does not hold.
    PreconditionFailed,
    /// The body is longer than the limit.
    BodyTooLong,
    /// The body's type or coding is not understood.
    UnsupportedMediaType,
    /// The range is not within the value.
    RangeNotSatisfiable,
    /// `Expect` asks for something other than `100-continue`.
    ExpectationFailed,
}

impl Reason {
    /// Every reason of this API alone.
    #[cfg(test)]
    pub(in crate::http) const OWN: [Self; 16] = [
        Self::PathNotFound,
        Self::KeyNotFound,
        Self::BadPath,
        Self::BadQuery,
        Self::BadHeader,
        Self::BadBody,
        Self::OriginNotAllowed,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::ExpiryRuleUnmet,
        Self::KeyContended,
        Self::PreconditionFailed,
        Self::BodyTooLong,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::ExpectationFailed,
    ];

    /// Its stable name.
    pub(in crate::http) fn name(self) -> &'static str {
        match self {
            Self::Contract(reason) => {
                let name = reason.as_str_name();
                name.strip_prefix(CONTRACT_PREFIX).unwrap_or(name)
            }
            Self::PathNotFound => "PATH_NOT_FOUND",
            Self::KeyNotFound => "KEY_NOT_FOUND",
            Self::BadPath => "BAD_PATH",
            Self::BadQuery => "BAD_QUERY",
            Self::BadHeader => "BAD_HEADER",
            Self::BadBody => "BAD_BODY",
            Self::OriginNotAllowed => "ORIGIN_NOT_ALLOWED",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::ExpiryRuleUnmet => "EXPIRY_RULE_UNMET",
            Self::KeyContended => "KEY_CONTENDED",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::BodyTooLong => "BODY_TOO_LONG",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::RangeNotSatisfiable => "RANGE_NOT_SATISFIABLE",
            Self::ExpectationFailed => "EXPECTATION_FAILED",
        }
    }

    /// The status of the answer.
    pub(in crate::http) fn status(self) -> StatusCode {
        match self {
            Self::Contract(reason) => contract_status(reason),
            Self::PathNotFound | Self::KeyNotFound => StatusCode::NOT_FOUND,
            Self::BadPath | Self::BadQuery | Self::BadHeader | Self::BadBody => {
                StatusCode::BAD_REQUEST
            }
            Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::ExpiryRuleUnmet | Self::KeyContended => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::ExpectationFailed => StatusCode::EXPECTATION_FAILED,
        }
    }

    /// A short name for people, the same for every occurrence.
    pub(in crate::http) fn title(self) -> &'static str {
        match self {
            Self::Contract(reason) => contract_title(reason),
            Self::PathNotFound => "There is nothing at this path",
            Self::KeyNotFound => "The key does not exist",
            Self::BadPath => "The path is malformed",
            Self::BadQuery => "The query is not understood",
            Self::BadHeader => "A header is not understood",
            Self::BadBody => "The body is not understood",
            Self::OriginNotAllowed => "Pages of this origin may not do this",
            Self::MethodNotAllowed => "The method is not possible here",
            Self::NotAcceptable => "No acceptable media type",
            Self::ExpiryRuleUnmet => "The rule does not allow this expiry",
            Self::KeyContended => "The key changes too fast",
            Self::PreconditionFailed => "The precondition does not hold",
            Self::BodyTooLong => "The body is too long",
            Self::UnsupportedMediaType => "The body's media type is not understood",
            Self::RangeNotSatisfiable => "The range is outside of the value",
            Self::ExpectationFailed => "The expectation cannot be met",
        }
    }

    /// When the same request may be sent again, in seconds from now. Not said where it would fail again, and
    /// not where it may have been executed.
    pub(in crate::http) fn retry_after(self) -> Option<u64> {
        match self {
            Self::Contract(
                ErrorReason::Loading
                | ErrorReason::LogOverloaded
                | ErrorReason::DiskFull
                | ErrorReason::Overloaded,
            )
            | Self::KeyContended => Some(SOON_S),
            Self::Contract(ErrorReason::LogUnavailable | ErrorReason::ShuttingDown) => {
                Some(LATER_S)
            }
            _ => None,
        }
    }
}

impl Reason {
    /// How it is counted; `None` for what is an answer about a key, and no error in other protocols.
    pub(in crate::http) fn kind(self) -> Option<ErrorKind> {
        Some(match self {
            Self::Contract(reason) => contract_kind(reason),
            Self::KeyNotFound | Self::PreconditionFailed | Self::ExpiryRuleUnmet => return None,
            Self::PathNotFound | Self::MethodNotAllowed => ErrorKind::Unsupported,
            Self::KeyContended => ErrorKind::State,
            _ => ErrorKind::Invalid,
        })
    }
}

fn contract_kind(reason: ErrorReason) -> ErrorKind {
    match reason {
        ErrorReason::OutcomeUnknown => ErrorKind::Unknown,
        ErrorReason::LogOverloaded
        | ErrorReason::Overloaded
        | ErrorReason::OutOfMemory
        | ErrorReason::DiskFull => ErrorKind::Exhausted,
        ErrorReason::RequestTimeout => ErrorKind::Timeout,
        reason => match contract_status(reason) {
            StatusCode::CONFLICT => ErrorKind::State,
            StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Unavailable,
            StatusCode::INTERNAL_SERVER_ERROR => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        },
    }
}

fn contract_status(reason: ErrorReason) -> StatusCode {
    match reason {
        ErrorReason::KeyEmpty
        | ErrorReason::ExpiryOutOfRange
        | ErrorReason::UnknownEnumValue
        | ErrorReason::ConflictingFields
        | ErrorReason::CursorInvalid
        | ErrorReason::DurabilityUnavailable
        | ErrorReason::PersistenceOff => StatusCode::BAD_REQUEST,
        ErrorReason::NotAnInteger | ErrorReason::IntegerOverflow => StatusCode::CONFLICT,
        ErrorReason::ValueTooLong | ErrorReason::BatchTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorReason::KeyTooLong => StatusCode::URI_TOO_LONG,
        ErrorReason::LogUnavailable
        | ErrorReason::OutcomeUnknown
        | ErrorReason::LogOverloaded
        | ErrorReason::Loading
        | ErrorReason::ShuttingDown
        | ErrorReason::SnapshotRunning => StatusCode::SERVICE_UNAVAILABLE,
        ErrorReason::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        ErrorReason::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorReason::OutOfMemory | ErrorReason::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorReason::Unspecified | ErrorReason::SnapshotFailed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn contract_title(reason: ErrorReason) -> &'static str {
    match reason {
        ErrorReason::KeyEmpty => "The key is empty",
        ErrorReason::KeyTooLong => "The key is too long",
        ErrorReason::ValueTooLong => "The value is too long",
        ErrorReason::ExpiryOutOfRange => "The expiry is out of range",
        ErrorReason::NotAnInteger => "The value is not an integer",
        ErrorReason::IntegerOverflow => "The number would overflow",
        ErrorReason::UnknownEnumValue => "A word has no meaning here",
        ErrorReason::ConflictingFields => "Parts of the request contradict each other",
        ErrorReason::CursorInvalid => "The cursor is not one of this server's",
        ErrorReason::BatchTooLarge => "The batch is too large",
        ErrorReason::OutOfMemory => "The store is full",
        ErrorReason::DurabilityUnavailable => "This server does not reach the durability asked for",
        ErrorReason::ShuttingDown => "The server is shutting down",
        ErrorReason::LogUnavailable => "The log takes no writes",
        ErrorReason::OutcomeUnknown => "The outcome is unknown",
        ErrorReason::DiskFull => "The disk of the log is full",
        ErrorReason::LogOverloaded => "The log is overloaded",
        ErrorReason::Loading => "The server is loading",
        ErrorReason::PersistenceOff => "The server keeps data in memory only",
        ErrorReason::SnapshotRunning => "A snapshot is being taken",
        ErrorReason::SnapshotFailed => "The snapshot failed",
        ErrorReason::Overloaded => "Too much is in flight",
        ErrorReason::RequestTimeout => "The request did not arrive in time",
        ErrorReason::Unspecified => "The server has a fault",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_look_like_those_of_the_contract() {
        let contract = (0..).map_while(|number| ErrorReason::try_from(number).ok());
        let reasons: Vec<Reason> = contract.map(Reason::Contract).chain(Reason::OWN).collect();
        let names: BTreeSet<&str> = reasons.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), reasons.len());
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{name}");
        }
    }

    #[test]
    fn what_may_have_been_executed_is_not_to_be_tried_again() {
        let unknown = Reason::Contract(ErrorReason::OutcomeUnknown);
        assert_eq!((unknown.status().as_u16(), unknown.retry_after()), (503, None));
    }

    #[test]
    fn every_reason_is_an_error() {
        for reason in Reason::OWN {
            let status = reason.status();
            assert!(status.is_client_error(), "{reason:?}: {status}");
            assert!(!reason.title().is_empty());
        }
    }
}

//! Refusals as the wire knows them: status codes and `ErrorInfo`, or an `OpError` inside a batch.

use std::collections::HashMap;

use kv_core::{ErrorKind, StoreError};
use kv_proto::ERROR_DOMAIN;
use kv_proto::v1::{ErrorReason, OpError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::refusal::Refusal;

/// What every name of `ErrorReason` starts with, and `ErrorInfo.reason` leaves out.
const REASON_PREFIX: &str = "ERROR_REASON_";

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let (code, reason) = classify(&refusal);
        let name = reason.as_str_name();
        let name = name.strip_prefix(REASON_PREFIX).unwrap_or(name);
        let details = ErrorDetails::with_error_info(name, ERROR_DOMAIN, HashMap::new());
        Self::with_error_details(code, refusal.to_string(), details)
    }
}

impl From<Refusal> for OpError {
    fn from(refusal: Refusal) -> Self {
        let (code, reason) = classify(&refusal);
        Self { code: code.into(), reason: reason.into(), message: refusal.to_string() }
    }
}

/// `OUT_OF_RANGE` is what tonic answers to a message over its limit, so what is over the same limit for
/// other reasons answers alike.
fn classify(refusal: &Refusal) -> (Code, ErrorReason) {
    match refusal {
        Refusal::KeyEmpty => (Code::InvalidArgument, ErrorReason::KeyEmpty),
        Refusal::Key { refusal, .. } => classify(refusal),
        Refusal::UnknownEnum { .. } => (Code::InvalidArgument, ErrorReason::UnknownEnumValue),
        Refusal::Conflict(_) => (Code::InvalidArgument, ErrorReason::ConflictingFields),
        Refusal::ValueOverMessage { .. } => (Code::InvalidArgument, ErrorReason::ValueTooLong),
        Refusal::ValueOverAnswer { .. } => (Code::OutOfRange, ErrorReason::ValueTooLong),
        Refusal::BatchOverAnswer { .. } => (Code::OutOfRange, ErrorReason::BatchTooLarge),
        Refusal::Durability { .. } => {
            (Code::FailedPrecondition, ErrorReason::DurabilityUnavailable)
        }
        Refusal::ShuttingDown => (Code::Unavailable, ErrorReason::ShuttingDown),
        Refusal::Store(error) => classify_store(error),
    }
}

fn classify_store(error: &StoreError) -> (Code, ErrorReason) {
    match error {
        StoreError::KeyTooLong { .. } => (Code::InvalidArgument, ErrorReason::KeyTooLong),
        StoreError::ValueTooLong { .. } => (Code::InvalidArgument, ErrorReason::ValueTooLong),
        StoreError::BatchTooLarge { .. } => (Code::InvalidArgument, ErrorReason::BatchTooLarge),
        StoreError::ExpiryOutOfRange { .. } => {
            (Code::InvalidArgument, ErrorReason::ExpiryOutOfRange)
        }
        StoreError::CursorInvalid => (Code::InvalidArgument, ErrorReason::CursorInvalid),
        StoreError::NotAnInteger => (Code::FailedPrecondition, ErrorReason::NotAnInteger),
        StoreError::IntegerOverflow { .. } => (Code::OutOfRange, ErrorReason::IntegerOverflow),
        StoreError::OutOfMemory { .. } => (Code::ResourceExhausted, ErrorReason::OutOfMemory),
        StoreError::Journal(_) => (Code::Unavailable, ErrorReason::LogUnavailable),
        // The enum may grow: what a caller can do next is known all the same.
        other => match other.kind() {
            ErrorKind::Invalid => (Code::InvalidArgument, ErrorReason::Unspecified),
            ErrorKind::State => (Code::FailedPrecondition, ErrorReason::Unspecified),
            ErrorKind::Exhausted => (Code::ResourceExhausted, ErrorReason::Unspecified),
            ErrorKind::Unavailable => (Code::Unavailable, ErrorReason::Unspecified),
        },
    }
}

#[cfg(test)]
mod tests {
    use kv_core::{Durability, JournalError};

    use super::*;

    fn check(refusal: impl Into<Refusal>, code: Code, reason: &str, message: &str) {
        let status = Status::from(refusal.into());
        let info = status.get_details_error_info().expect("an ErrorInfo");
        assert_eq!(
            (status.code(), info.reason.as_str(), info.domain.as_str()),
            (code, reason, "kv")
        );
        assert!(status.message().contains(message), "{} lacks {message}", status.message());
    }

    #[test]
    fn refusals_carry_code_reason_and_what_is_allowed() {
        check(Refusal::KeyEmpty, Code::InvalidArgument, "KEY_EMPTY", "at least 1 byte");
        let key = Refusal::Key { index: 7, refusal: Box::new(Refusal::KeyEmpty) };
        check(key, Code::InvalidArgument, "KEY_EMPTY", "keys[7]: ");
        let durability =
            Refusal::Durability { asked: Durability::Fsync, allowed: "memory".to_owned() };
        check(durability, Code::FailedPrecondition, "DURABILITY_UNAVAILABLE", "allowed are memory");
        check(Refusal::ShuttingDown, Code::Unavailable, "SHUTTING_DOWN", "again");
        let value = Refusal::ValueOverAnswer { bytes: 9, max: 8, applied: true };
        check(value, Code::OutOfRange, "VALUE_TOO_LONG", "were made");
    }

    #[test]
    fn store_errors_have_codes_that_tell_what_to_do_next() {
        let overflow = StoreError::IntegerOverflow { present: i64::MAX, delta: 1 };
        check(overflow, Code::OutOfRange, "INTEGER_OVERFLOW", "2^63-1");
        check(StoreError::NotAnInteger, Code::FailedPrecondition, "NOT_AN_INTEGER", "decimal");
        let memory = StoreError::OutOfMemory { needed: 1, limit: 2, policy: "lru" };
        check(memory, Code::ResourceExhausted, "OUT_OF_MEMORY", "engine.memory_limit = 2");
        let journal = JournalError::Unavailable { reason: "disk full".to_owned() };
        check(StoreError::from(journal), Code::Unavailable, "LOG_UNAVAILABLE", "disk full");
    }

    #[test]
    fn inside_a_batch_the_same_facts_are_told() {
        let error = OpError::from(Refusal::KeyEmpty);
        assert_eq!(error.code, i32::from(Code::InvalidArgument));
        assert_eq!(error.reason(), ErrorReason::KeyEmpty);
        assert!(error.message.contains("at least 1 byte"));
    }
}

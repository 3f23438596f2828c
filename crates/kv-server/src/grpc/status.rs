//! Refusals as the wire knows them: status codes and `ErrorInfo`, or an `OpError` inside a batch.

use std::collections::HashMap;

use kv_core::{ErrorKind, JournalError, StoreError};
use kv_proto::ERROR_DOMAIN;
use kv_proto::v1::{ErrorReason, OpError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::refusal::Refusal;
use crate::persistence::SnapshotError;
use crate::promise::Unkept;

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

impl Refusal {
    /// What went wrong, as the contract names it.
    pub(crate) fn reason(&self) -> ErrorReason {
        classify(self).1
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
        Refusal::Unkept(unkept) => classify_unkept(unkept),
        Refusal::Loading { .. } => (Code::Unavailable, ErrorReason::Loading),
        Refusal::PersistenceOff => (Code::FailedPrecondition, ErrorReason::PersistenceOff),
        Refusal::Snapshot(error) => classify_snapshot(error),
        Refusal::Overloaded { .. } => (Code::ResourceExhausted, ErrorReason::Overloaded),
        Refusal::TooSlow { .. } => (Code::DeadlineExceeded, ErrorReason::RequestTimeout),
        Refusal::ShuttingDown => (Code::Unavailable, ErrorReason::ShuttingDown),
        Refusal::Store(error) => classify_store(error),
    }
}

fn classify_unkept(unkept: &Unkept) -> (Code, ErrorReason) {
    match unkept {
        Unkept::Level { .. } => (Code::FailedPrecondition, ErrorReason::DurabilityUnavailable),
        Unkept::Read { .. } => (Code::Unknown, ErrorReason::OutcomeUnknown),
        Unkept::Write(error) => classify_journal(error),
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
        StoreError::Journal(error) => classify_journal(error),
        // The enum may grow: what a caller can do next is known all the same.
        other => match other.kind() {
            ErrorKind::Invalid => (Code::InvalidArgument, ErrorReason::Unspecified),
            ErrorKind::State => (Code::FailedPrecondition, ErrorReason::Unspecified),
            ErrorKind::Exhausted => (Code::ResourceExhausted, ErrorReason::Unspecified),
            ErrorKind::Unavailable => (Code::Unavailable, ErrorReason::Unspecified),
            ErrorKind::Unknown => (Code::Unknown, ErrorReason::OutcomeUnknown),
        },
    }
}

fn classify_journal(error: &JournalError) -> (Code, ErrorReason) {
    match error {
        JournalError::DiskFull { .. } => (Code::ResourceExhausted, ErrorReason::DiskFull),
        JournalError::Overloaded { .. } => (Code::ResourceExhausted, ErrorReason::LogOverloaded),
        JournalError::Unknown { .. } => (Code::Unknown, ErrorReason::OutcomeUnknown),
        // Also what may be added: nothing was recorded, unless the error says that it is unknown.
        _ => (Code::Unavailable, ErrorReason::LogUnavailable),
    }
}

fn classify_snapshot(error: &SnapshotError) -> (Code, ErrorReason) {
    match error {
        SnapshotError::Running => (Code::Unavailable, ErrorReason::SnapshotRunning),
        SnapshotError::DiskFull { .. } => (Code::ResourceExhausted, ErrorReason::DiskFull),
        SnapshotError::Failed { .. } => (Code::Internal, ErrorReason::SnapshotFailed),
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
        let durability = Unkept::Level { asked: Durability::Fsync, allowed: "memory".to_owned() };
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
    }

    #[test]
    fn log_errors_tell_refused_from_unknown() {
        let reason = || "EIO".to_owned();
        let check = |error: JournalError, code, reason, message| {
            check(StoreError::from(error), code, reason, message);
        };
        let unavailable = JournalError::Unavailable { reason: reason() };
        check(unavailable, Code::Unavailable, "LOG_UNAVAILABLE", "EIO");
        let full = JournalError::DiskFull { reason: reason() };
        check(full, Code::ResourceExhausted, "DISK_FULL", "accepted again");
        let behind = JournalError::Overloaded { waiting: 7, max: 5 };
        check(behind, Code::ResourceExhausted, "LOG_OVERLOADED", "try again");
        let unknown = JournalError::Unknown { reason: reason() };
        check(unknown, Code::Unknown, "OUTCOME_UNKNOWN", "unknown");
    }

    #[test]
    fn what_is_not_ready_says_how_far_it_is() {
        let loading = |text: &str| Refusal::Loading { percent: 42, text: text.to_owned() };
        check(loading(""), Code::Unavailable, "LOADING", "loading: 42 %; nothing was executed");
        check(loading("snapshot 7"), Code::Unavailable, "LOADING", "loading: 42 % (snapshot 7);");
    }

    #[test]
    fn snapshots_are_refused_with_what_helps() {
        let check = |error: SnapshotError, code, reason, message| {
            check(Refusal::from(error), code, reason, message);
        };
        check(SnapshotError::Running, Code::Unavailable, "SNAPSHOT_RUNNING", "again");
        let reason = || "EIO".to_owned();
        let full = SnapshotError::DiskFull { reason: reason() };
        check(full, Code::ResourceExhausted, "DISK_FULL", "make space");
        let failed = SnapshotError::Failed { reason: reason() };
        check(failed, Code::Internal, "SNAPSHOT_FAILED", "EIO");
        let status = Status::from(Refusal::PersistenceOff);
        assert!(status.message().contains("persist.enabled = true"), "{status}");
    }

    #[test]
    fn a_read_of_what_may_be_lost_is_unknown() {
        let read = Unkept::Read { reason: "EIO".to_owned() };
        check(read, Code::Unknown, "OUTCOME_UNKNOWN", "the answer is unknown");
    }

    #[test]
    fn inside_a_batch_the_same_facts_are_told() {
        let error = OpError::from(Refusal::KeyEmpty);
        assert_eq!(error.code, i32::from(Code::InvalidArgument));
        assert_eq!(error.reason(), ErrorReason::KeyEmpty);
        assert!(error.message.contains("at least 1 byte"));
    }
}

//! Refusals as the status of a gRPC call, with `ErrorInfo`.

use std::collections::HashMap;

use kv_proto::ERROR_DOMAIN;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::contract::{Refusal, of_refusal};

/// What every name of `ErrorReason` starts with, and `ErrorInfo.reason` leaves out.
const REASON_PREFIX: &str = "ERROR_REASON_";

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let (code, reason) = of_refusal(&refusal);
        let name = reason.as_str_name();
        let name = name.strip_prefix(REASON_PREFIX).unwrap_or(name);
        let details = ErrorDetails::with_error_info(name, ERROR_DOMAIN, HashMap::new());
        Self::with_error_details(code, refusal.to_string(), details)
    }
}

#[cfg(test)]
mod tests {
    use kv_core::{Durability, JournalError, StoreError};
    use tonic::Code;

    use super::*;
    use crate::persistence::SnapshotError;
    use crate::promise::Unkept;

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
}

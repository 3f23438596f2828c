//! What the contract calls each refusal: a code, which tells the caller what to do next, and a reason.

use kv_core::{ErrorKind, JournalError, StoreError};
use kv_proto::v1::{ErrorReason, OpError};
use tonic::Code;

use super::refusal::Refusal;
use crate::metrics;
use crate::persistence::SnapshotError;
use crate::promise::Unkept;

impl From<Refusal> for OpError {
    fn from(refusal: Refusal) -> Self {
        let (code, reason) = of_refusal(&refusal);
        Self { code: code.into(), reason: reason.into(), message: refusal.to_string() }
    }
}

impl Refusal {
    /// What went wrong, as the contract names it.
    pub(crate) fn reason(&self) -> ErrorReason {
        of_refusal(self).1
    }
}

/// The code and the reason of a refusal.
///
/// `OUT_OF_RANGE` is what tonic answers to a message over its limit, so what is over the same limit for
/// other reasons answers alike.
pub(crate) fn of_refusal(refusal: &Refusal) -> (Code, ErrorReason) {
    match refusal {
        Refusal::KeyEmpty => (Code::InvalidArgument, ErrorReason::KeyEmpty),
        Refusal::Key { refusal, .. } => of_refusal(refusal),
        Refusal::UnknownEnum { .. } => (Code::InvalidArgument, ErrorReason::UnknownEnumValue),
        Refusal::Conflict(_) => (Code::InvalidArgument, ErrorReason::ConflictingFields),
        Refusal::ValueOverMessage { .. } => (Code::InvalidArgument, ErrorReason::ValueTooLong),
        Refusal::ValueOverAnswer { .. } => (Code::OutOfRange, ErrorReason::ValueTooLong),
        Refusal::BatchOverAnswer { .. } => (Code::OutOfRange, ErrorReason::BatchTooLarge),
        Refusal::Unkept(unkept) => of_unkept(unkept),
        Refusal::Loading { .. } => (Code::Unavailable, ErrorReason::Loading),
        Refusal::PersistenceOff => (Code::FailedPrecondition, ErrorReason::PersistenceOff),
        Refusal::Snapshot(error) => of_snapshot(error),
        Refusal::Overloaded { .. } => (Code::ResourceExhausted, ErrorReason::Overloaded),
        Refusal::TooSlow { .. } => (Code::DeadlineExceeded, ErrorReason::RequestTimeout),
        Refusal::ShuttingDown => (Code::Unavailable, ErrorReason::ShuttingDown),
        Refusal::Store(error) => of_store(error),
    }
}

fn of_unkept(unkept: &Unkept) -> (Code, ErrorReason) {
    match unkept {
        Unkept::Level { .. } => (Code::FailedPrecondition, ErrorReason::DurabilityUnavailable),
        Unkept::Read { .. } => (Code::Unknown, ErrorReason::OutcomeUnknown),
        Unkept::Write(error) => of_journal(error),
    }
}

fn of_store(error: &StoreError) -> (Code, ErrorReason) {
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
        StoreError::Journal(error) => of_journal(error),
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

fn of_journal(error: &JournalError) -> (Code, ErrorReason) {
    match error {
        JournalError::DiskFull { .. } => (Code::ResourceExhausted, ErrorReason::DiskFull),
        JournalError::Overloaded { .. } => (Code::ResourceExhausted, ErrorReason::LogOverloaded),
        JournalError::Unknown { .. } => (Code::Unknown, ErrorReason::OutcomeUnknown),
        // Also what may be added: nothing was recorded, unless the error says that it is unknown.
        _ => (Code::Unavailable, ErrorReason::LogUnavailable),
    }
}

fn of_snapshot(error: &SnapshotError) -> (Code, ErrorReason) {
    match error {
        SnapshotError::Running => (Code::Unavailable, ErrorReason::SnapshotRunning),
        SnapshotError::DiskFull { .. } => (Code::ResourceExhausted, ErrorReason::DiskFull),
        SnapshotError::Failed { .. } => (Code::Internal, ErrorReason::SnapshotFailed),
    }
}

/// What the caller can do next after this code; `None` when nothing is wrong.
pub(crate) fn error_kind(code: Code) -> Option<metrics::ErrorKind> {
    use metrics::ErrorKind;
    Some(match code {
        Code::Ok => return None,
        Code::InvalidArgument | Code::Unauthenticated | Code::PermissionDenied => {
            ErrorKind::Invalid
        }
        // What does not fit in an answer, or a number that would overflow.
        Code::OutOfRange => ErrorKind::State,
        Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists | Code::Aborted => {
            ErrorKind::State
        }
        Code::ResourceExhausted => ErrorKind::Exhausted,
        Code::Unavailable => ErrorKind::Unavailable,
        Code::Unknown => ErrorKind::Unknown,
        Code::DeadlineExceeded | Code::Cancelled => ErrorKind::Timeout,
        Code::Unimplemented => ErrorKind::Unsupported,
        Code::Internal | Code::DataLoss => ErrorKind::Internal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_a_batch_the_same_facts_are_told() {
        let error = OpError::from(Refusal::KeyEmpty);
        assert_eq!(error.code, i32::from(Code::InvalidArgument));
        assert_eq!(error.reason(), ErrorReason::KeyEmpty);
        assert!(error.message.contains("at least 1 byte"));
    }
}

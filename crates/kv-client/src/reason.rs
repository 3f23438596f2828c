//! The stable names of the server's refusals.

use kv_proto::v1::ErrorReason;

/// Why the server refused a request: the contract's `ErrorReason`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The key has no bytes.
    KeyEmpty,
    /// The key is longer than `limits.key_bytes_max`.
    KeyTooLong,
    /// The value is, or would become, longer than `limits.value_bytes_max`.
    ValueTooLong,
    /// The TTL or expiry is zero, negative or too far in the future.
    ExpiryOutOfRange,
    /// Increment of something else than a signed 64-bit decimal number.
    NotAnInteger,
    /// Increment past signed 64 bits.
    IntegerOverflow,
    /// The server does not know a number in an enum field.
    UnknownEnumValue,
    /// Fields contradict each other or a needed one is missing.
    ConflictingFields,
    /// The scan cursor is damaged, or of another server or an earlier run.
    CursorInvalid,
    /// More operations than `limits.batch_ops_max`.
    BatchTooLarge,
    /// The write does not fit in `engine.memory_limit`.
    OutOfMemory,
    /// The server cannot reach the durability level asked for.
    DurabilityUnavailable,
    /// The server is shutting down.
    ShuttingDown,
    /// The log refused the write.
    LogUnavailable,
    /// The log failed, and what was asked for may or may not survive a restart.
    OutcomeUnknown,
    /// The disk of the log is full.
    DiskFull,
    /// More waits to be written to the log than `persist.log_buffer_bytes`.
    LogOverloaded,
    /// The server is loading what it kept.
    Loading,
    /// The server keeps data in memory only.
    PersistenceOff,
    /// A snapshot is being taken already.
    SnapshotRunning,
    /// The snapshot could not be written.
    SnapshotFailed,
    /// Too many bytes of requests and answers are in flight in the server.
    Overloaded,
    /// The request did not arrive in time.
    RequestTimeout,
    /// A message longer than this client's or the server's limit.
    MessageTooLong,
    /// A reason this client does not know yet, by name.
    Other(String),
    /// The server gave none.
    Unspecified,
}

impl Reason {
    /// The reason by the name in `ErrorInfo.reason`.
    pub(crate) fn from_name(name: &str) -> Self {
        match ErrorReason::from_str_name(&format!("ERROR_REASON_{name}")) {
            Some(reason) => Self::from_wire(reason),
            None => Self::Other(name.to_owned()),
        }
    }

    /// The reason by its number on the wire.
    pub(crate) fn from_number(number: i32) -> Self {
        match ErrorReason::try_from(number) {
            Ok(reason) => Self::from_wire(reason),
            Err(_) => Self::Other(number.to_string()),
        }
    }

    fn from_wire(reason: ErrorReason) -> Self {
        match reason {
            ErrorReason::Unspecified => Self::Unspecified,
            ErrorReason::KeyEmpty => Self::KeyEmpty,
            ErrorReason::KeyTooLong => Self::KeyTooLong,
            ErrorReason::ValueTooLong => Self::ValueTooLong,
            ErrorReason::ExpiryOutOfRange => Self::ExpiryOutOfRange,
            ErrorReason::NotAnInteger => Self::NotAnInteger,
            ErrorReason::IntegerOverflow => Self::IntegerOverflow,
            ErrorReason::UnknownEnumValue => Self::UnknownEnumValue,
            ErrorReason::ConflictingFields => Self::ConflictingFields,
            ErrorReason::CursorInvalid => Self::CursorInvalid,
            ErrorReason::BatchTooLarge => Self::BatchTooLarge,
            ErrorReason::OutOfMemory => Self::OutOfMemory,
            ErrorReason::DurabilityUnavailable => Self::DurabilityUnavailable,
            ErrorReason::ShuttingDown => Self::ShuttingDown,
            ErrorReason::LogUnavailable => Self::LogUnavailable,
            ErrorReason::OutcomeUnknown => Self::OutcomeUnknown,
            ErrorReason::DiskFull => Self::DiskFull,
            ErrorReason::LogOverloaded => Self::LogOverloaded,
            ErrorReason::Loading => Self::Loading,
            ErrorReason::PersistenceOff => Self::PersistenceOff,
            ErrorReason::SnapshotRunning => Self::SnapshotRunning,
            ErrorReason::SnapshotFailed => Self::SnapshotFailed,
            ErrorReason::Overloaded => Self::Overloaded,
            ErrorReason::RequestTimeout => Self::RequestTimeout,
        }
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::OutOfMemory
                | Self::ShuttingDown
                | Self::LogUnavailable
                | Self::DiskFull
                | Self::LogOverloaded
                | Self::Loading
                | Self::SnapshotRunning
                | Self::Overloaded
                | Self::RequestTimeout
        )
    }

    /// Whether it says that the server looked at no request at all, so that another attempt can do no
    /// harm and may well help.
    pub(crate) fn is_before_execution(&self) -> bool {
        matches!(self, Self::Loading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_contract_is_known_by_name_and_number() {
        for number in 0..=23 {
            let wire = ErrorReason::try_from(number).unwrap();
            let name = wire.as_str_name().strip_prefix("ERROR_REASON_").unwrap();
            assert_eq!(Reason::from_name(name), Reason::from_number(number), "{name}");
            assert!(!matches!(Reason::from_name(name), Reason::Other(_)), "{name}");
        }
        assert_eq!(Reason::from_name("NEW"), Reason::Other("NEW".to_owned()));
        assert_eq!(Reason::from_number(999), Reason::Other("999".to_owned()));
    }
}

//! Why a command is answered with an error, in the words of Redis.

use std::time::Duration;

use kv_core::{JournalError, StoreError};

use super::commands::Command;
use super::request::Request;
use crate::metrics::ErrorKind;
use crate::promise::Unkept;

/// Most bytes of a command's name in the text that says it is unknown, and most of all its arguments.
const SHOWN_BYTES_MAX: usize = 128;

/// An error reply. The text's first word is its code.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("ERR wrong number of arguments for '{}' command", .0.full_name())]
    Arity(&'static Command),
    #[error("ERR unknown command '{name}', with args beginning with: {args}")]
    UnknownCommand { name: String, args: String },
    #[error("ERR unknown subcommand '{name}'. Try {container} HELP.")]
    UnknownSubcommand { container: &'static str, name: String },
    #[error("ERR syntax error")]
    Syntax,
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    #[error("ERR value is not a valid float")]
    NotAFloat,
    #[error("ERR increment would produce NaN or Infinity")]
    NotFinite,
    #[error("ERR value is out of range, must be positive")]
    NotPositive,
    #[error("ERR increment or decrement would overflow")]
    Overflow,
    #[error("ERR decrement would overflow")]
    DecrementOverflow,
    #[error("ERR invalid expire time in '{}' command", .0.to_ascii_lowercase())]
    ExpireTime(&'static str),
    #[error("ERR Unsupported option {0}")]
    UnsupportedOption(String),
    #[error("ERR offset is out of range")]
    Offset,
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    TooLong,
    #[error("ERR no such key")]
    NoSuchKey,
    #[error("BUSYKEY Target key name already exists.")]
    KeyExists,
    #[error("ERR invalid cursor")]
    Cursor,
    #[error("LOADING kv is loading the dataset in memory ({0} % done)")]
    Loading(u8),
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    #[error("MISCONF Errors writing to the log: {0}")]
    Log(String),
    #[error("MISCONF Errors writing to the log: {0}")]
    DiskFull(String),
    #[error("MISCONF the outcome is UNKNOWN, the write may or may not survive a restart: {0}")]
    WriteUnknown(String),
    #[error("MISCONF the answer is UNKNOWN, what it shows may or may not survive a restart: {0}")]
    ReadUnknown(String),
    #[error("TRYAGAIN {0}")]
    Overloaded(String),
    #[error("ERR request given up: it took longer than limits.request_timeout = {0:?} to arrive")]
    TooSlow(Duration),
    /// Anything else: the code and what is wrong.
    #[error("{0}")]
    Text(&'static str),
    /// The same, put together.
    #[error("{0}")]
    Owned(String),
}

impl Failure {
    /// There is no such command.
    #[cold]
    pub(crate) fn unknown_command(request: Request<'_>) -> Self {
        let name = shown(request.name(), SHOWN_BYTES_MAX);
        let mut args = String::new();
        for arg in request.args_from(1) {
            let left = SHOWN_BYTES_MAX.saturating_sub(args.len());
            if left == 0 {
                break;
            }
            args.extend(["'", &shown(arg, left), "' "]);
        }
        Self::UnknownCommand { name, args }
    }

    /// The container has no such subcommand.
    #[cold]
    pub(crate) fn unknown_subcommand(container: &'static str, name: &[u8]) -> Self {
        Self::UnknownSubcommand { container, name: shown(name, SHOWN_BYTES_MAX) }
    }

    /// The command has no such option.
    #[cold]
    pub(crate) fn unsupported_option(option: &[u8]) -> Self {
        Self::UnsupportedOption(shown(option, SHOWN_BYTES_MAX))
    }

    /// `HELLO` has no such option.
    #[cold]
    pub(crate) fn hello_option(option: &[u8]) -> Self {
        Self::Owned(format!("ERR Syntax error in HELLO option '{}'", shown(option, usize::MAX)))
    }

    /// Why the store has refused an operation of this command.
    #[cold]
    pub(crate) fn of(error: StoreError, command: &'static Command) -> Self {
        match error {
            StoreError::ExpiryOutOfRange { .. } => Self::ExpireTime(command.name),
            error => error.into(),
        }
    }

    /// Something that the client has sent, between two parts of a text.
    #[cold]
    pub(crate) fn about(before: &str, sent: &[u8], after: &str) -> Self {
        Self::Owned(format!("{before}{}{after}", shown(sent, SHOWN_BYTES_MAX)))
    }

    /// What the client can do next.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownCommand { .. } | Self::UnknownSubcommand { .. } => ErrorKind::Unsupported,
            Self::NotFinite | Self::Overflow | Self::NoSuchKey => ErrorKind::State,
            Self::TooSlow(_) => ErrorKind::Timeout,
            Self::OutOfMemory | Self::Overloaded(_) | Self::DiskFull(_) => ErrorKind::Exhausted,
            Self::Loading(_) | Self::Log(_) => ErrorKind::Unavailable,
            Self::WriteUnknown(_) | Self::ReadUnknown(_) => ErrorKind::Unknown,
            _ => ErrorKind::Invalid,
        }
    }
}

impl From<StoreError> for Failure {
    /// Says the same in the words of Redis, where it has any.
    #[cold]
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotAnInteger => Self::NotAnInteger,
            StoreError::IntegerOverflow { .. } => Self::Overflow,
            StoreError::NotAFloat => Self::NotAFloat,
            StoreError::FloatOverflow => Self::NotFinite,
            StoreError::ValueTooLong { .. } => Self::TooLong,
            StoreError::OutOfMemory { .. } => Self::OutOfMemory,
            StoreError::CursorInvalid => Self::Cursor,
            StoreError::Journal(error) => error.into(),
            other => Self::Owned(format!("ERR {other}")),
        }
    }
}

impl From<JournalError> for Failure {
    #[cold]
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Unknown { reason } => Self::WriteUnknown(reason),
            error @ JournalError::Overloaded { .. } => Self::Overloaded(error.to_string()),
            error @ JournalError::DiskFull { .. } => Self::DiskFull(error.to_string()),
            other => Self::Log(other.to_string()),
        }
    }
}

impl From<Unkept> for Failure {
    #[cold]
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::Read { reason } => Self::ReadUnknown(reason),
            Unkept::Write(error) => error.into(),
            level @ Unkept::Level { .. } => Self::Owned(format!("ERR {level}")),
        }
    }
}

/// What a client has sent, as text of so many bytes at most, up to a zero byte.
fn shown(bytes: &[u8], bytes_max: usize) -> String {
    let end = bytes.iter().take(bytes_max).position(|byte| *byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len().min(bytes_max))).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Shows a command by its name alone.
impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

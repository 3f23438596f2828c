//! What one line of a file says, and what can be wrong with it.

use std::time::Duration;

use bytes::Bytes;

use crate::limits::{LINE_BYTES_MAX, ROW_BYTES_MAX, VALUE_BYTES_MAX};

/// Something read from a file, and the number of the line it began on.
pub(crate) type Numbered<T> = (u64, Result<T, Malformed>);

/// A key to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    pub(crate) expiry: Option<Expiry>,
}

/// When it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// This long after it was written.
    Ttl(Duration),
    /// At this Unix time in milliseconds.
    At(u64),
}

/// What is wrong with a line, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("no {delimiter} between key and value: a line is key, {delimiter}, value (--delimiter names another)", delimiter = name(*.0))]
    NoDelimiter(u8),
    #[error("the key is empty: at least 1 byte is needed")]
    EmptyKey,
    #[error("unknown escape \\{}: allowed are \\\\, \\t, \\n, \\r and \\ before the delimiter", show(*.0))]
    UnknownEscape(u8),
    #[error("a \\ at the end of a field: a backslash itself is written \\\\")]
    LoneBackslash,
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong,
    #[error("key and value of {0} bytes are too long: at most {ROW_BYTES_MAX} fit in a message")]
    RowTooLong(usize),
    #[error("{0} fields: {1} are needed, {2}")]
    FieldCount(usize, usize, String),
    #[error(
        "{0:?} after the closing quote of a field: a delimiter or the end of the line is allowed, and a quote inside of quotes is doubled"
    )]
    AfterQuote(char),
    #[error(
        "a quote opens here and does not close before the end of the file, or within {VALUE_BYTES_MAX} bytes: nothing after it was read"
    )]
    OpenQuote,
    #[error(
        "column {0:?} in the header: allowed are key, value, and ttl_ms or expires_at_ms; --no-header reads a file without one"
    )]
    UnknownColumn(String),
    #[error(
        "no column {0:?} in the header: key and value are needed; --no-header reads a file without one"
    )]
    MissingColumn(&'static str),
    #[error("column {0:?} stands in the header twice")]
    DoubleColumn(String),
    #[error("{0} is {1:?}: a whole number of milliseconds is needed")]
    BadMillis(&'static str, String),
    #[error("ttl_ms and expires_at_ms contradict each other: give one of them")]
    TwoExpiries,
    #[error("bad JSON: {0}")]
    Json(String),
}

impl Row {
    /// Checks what no server would take.
    pub(crate) fn check(self) -> Result<Self, Malformed> {
        if self.key.is_empty() {
            return Err(Malformed::EmptyKey);
        }
        let bytes = self.key.len() + self.value.len();
        if bytes > ROW_BYTES_MAX {
            return Err(Malformed::RowTooLong(bytes));
        }
        Ok(self)
    }
}

/// A delimiter by its name.
pub(crate) fn name(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        b' ' => "space".to_owned(),
        delimiter => format!("'{}'", show(delimiter)),
    }
}

fn show(byte: u8) -> String {
    byte.escape_ascii().to_string()
}

//! What a request can be wrong about, in the words of Redis.

/// Why a request cannot be understood. Nothing after it can be either: the server answers with the text,
/// as an error reply, and ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The count of arguments is no number, or more than the limit.
    #[error("ERR Protocol error: invalid multibulk length")]
    InvalidCount,
    /// More arguments than a client may send before it has authenticated.
    #[error("ERR Protocol error: unauthenticated multibulk length")]
    UnauthenticatedCount,
    /// The line with the count of arguments does not end.
    #[error("ERR Protocol error: too big mbulk count string")]
    CountLineTooLong,
    /// Where an argument should begin, something else does.
    #[error("ERR Protocol error: expected '$', got '{}'", printable(*.got))]
    ExpectedBulk {
        /// The byte in the place of `$`.
        got: u8,
    },
    /// The length of an argument is no number, negative, or more than the limit.
    #[error("ERR Protocol error: invalid bulk length")]
    InvalidLength,
    /// A longer argument than a client may send before it has authenticated.
    #[error("ERR Protocol error: unauthenticated bulk length")]
    UnauthenticatedLength,
    /// The line with the length of an argument does not end.
    #[error("ERR Protocol error: too big bulk count string")]
    LengthLineTooLong,
    /// The line of an inline command does not end.
    #[error("ERR Protocol error: too big inline request")]
    InlineTooLong,
    /// A quoted argument of an inline command does not end, or something follows it without a space.
    #[error("ERR Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// The arguments together are longer than the limit. Redis ends such a connection without a word.
    #[error("ERR Protocol error: too big request")]
    RequestTooLong,
}

/// A byte that may stand in an error reply, which is one line of UTF-8.
fn printable(byte: u8) -> char {
    match byte {
        b'\r' | b'\n' => ' ',
        0..0x80 => char::from(byte),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::ProtocolError;

    #[test]
    fn an_unexpected_byte_never_breaks_the_line() {
        let text = |got| ProtocolError::ExpectedBulk { got }.to_string();
        assert_eq!(text(b'X'), "ERR Protocol error: expected '$', got 'X'");
        assert_eq!(text(b'\r'), "ERR Protocol error: expected '$', got ' '");
        assert_eq!(text(b'\n'), "ERR Protocol error: expected '$', got ' '");
        assert_eq!(text(0xff), "ERR Protocol error: expected '$', got '\u{fffd}'");
    }
}

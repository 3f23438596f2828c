//! What a reply can be wrong about.

/// Why bytes are no reply. Nothing after them can be understood either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// No type of reply begins like this.
    #[error("a reply begins with byte 0x{0:02x}: allowed are + - : $ * _ # , ( ! = % ~ > |")]
    UnknownType(u8),
    /// What follows the type is not what that type needs.
    #[error("a reply of type `{}` says `{}`", char::from(*.kind), .line.escape_ascii())]
    Malformed {
        /// The type byte.
        kind: u8,
        /// What followed it, up to the end of the line.
        line: Vec<u8>,
    },
    /// A line ends with `\r` and something else than `\n`, or a bulk string does not end with a line end.
    #[error("`\\r\\n` is missing at the end of a line or string")]
    MissingLineEnd,
    /// A line is longer than the limit.
    #[error("a line of the reply is too long: at most {max} bytes are allowed")]
    LineTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// A string is longer than the limit.
    #[error("a string of {given} bytes is too long: at most {max} bytes are allowed")]
    BulkTooLong {
        /// Its length in bytes.
        given: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// An array, map, set or push has more parts than the limit.
    #[error("a reply of {given} parts is too long: at most {max} are allowed")]
    TooManyParts {
        /// How many parts it claims, a pair counting as two.
        given: usize,
        /// The limit.
        max: usize,
    },
    /// Replies are nested deeper than the limit.
    #[error("replies are nested too deep: at most {max} levels are allowed")]
    TooDeep {
        /// The limit.
        max: usize,
    },
}

//! A reply as a tree.

/// One reply, whole and owned. What RESP2 and RESP3 write differently stays different.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR text`, and what RESP3 calls a blob error, `!8`.
    Error(Vec<u8>),
    /// `:42`
    Integer(i64),
    /// `$3`
    Bulk(Vec<u8>),
    /// `$-1`: RESP2 has no value where a bulk string could be.
    NullBulk,
    /// `*-1`: RESP2 has no value where an array could be.
    NullArray,
    /// `_`: RESP3 has no value.
    Null,
    /// `*2`
    Array(Vec<Value>),
    /// `%1`: pairs in the order they came.
    Map(Vec<(Value, Value)>),
    /// `~2`: members in the order they came.
    Set(Vec<Value>),
    /// `>2`: a message that answers no request.
    Push(Vec<Value>),
    /// `,3.5`
    Double(f64),
    /// `#t`
    Boolean(bool),
    /// `(12345678901234567890`: its digits, perhaps after a sign.
    BigNumber(Vec<u8>),
    /// `=7`: text for people, and what it is written in.
    Verbatim {
        /// `txt` or `mkd`.
        format: [u8; 3],
        /// The text without its format.
        text: Vec<u8>,
    },
    /// `|1`: pairs that say something about the reply that follows.
    Attributed {
        /// The pairs.
        attributes: Vec<(Value, Value)>,
        /// The reply itself.
        reply: Box<Value>,
    },
}

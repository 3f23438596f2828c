//! Reads replies of both versions, at whatever places they were split.

use super::{ReplyError, Value};
use crate::decode::integer;

/// Room for at most this many parts is made before they have come.
const PARTS_AHEAD_MAX: usize = 64;

/// Bounds on what one reply may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Longest string, in bytes.
    pub bulk_bytes_max: usize,
    /// Longest line without its end, in bytes.
    pub line_bytes_max: usize,
    /// Most parts of one array, map, set or push; a pair counts as two.
    pub parts_max: usize,
    /// How deep replies may be nested: 1 for a scalar or an empty list, 2 for a list of scalars.
    pub depth_max: usize,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self {
            bulk_bytes_max: 512 << 20,
            line_bytes_max: 64 << 10,
            parts_max: 64 << 20,
            depth_max: 32,
        }
    }
}

/// Reads the replies of one connection.
///
/// It keeps what it has read of a reply that is partly there, so its parts are never read twice.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: ReplyLimits,
    /// The lists that are open, the outermost first.
    open: Vec<OpenList>,
}

#[derive(Debug)]
struct OpenList {
    kind: ListKind,
    parts: Vec<Value>,
    /// How many parts are yet to come: at least one.
    left: usize,
}

#[derive(Debug, Clone, Copy)]
enum ListKind {
    Array,
    Map,
    Set,
    Push,
    /// One part more than announced: the reply that it is about.
    Attributes,
}

/// What stands at the start of some bytes.
enum Token {
    Whole(Value),
    Open(ListKind, usize),
}

impl ReplyDecoder {
    /// Begins with the first reply of a connection.
    pub fn new(limits: ReplyLimits) -> Self {
        Self { limits, open: Vec::new() }
    }

    /// Reads on at the start of `input`: gives the next reply, when it is whole, and how many bytes have been
    /// read. The caller drops those before the next call, whether there was a reply or not.
    ///
    /// # Errors
    ///
    /// The bytes are no reply, or more than the limits allow. Then the connection is of no use any more.
    pub fn decode(&mut self, input: &[u8]) -> Result<(Option<Value>, usize), ReplyError> {
        let mut read = 0;
        loop {
            let rest = input.get(read..).unwrap_or_default();
            let Some((token, len)) = self.token(rest)? else { return Ok((None, read)) };
            read += len;
            let whole = match token {
                Token::Whole(value) => self.place(value),
                Token::Open(kind, left) => self.begin(kind, left)?,
            };
            if whole.is_some() {
                return Ok((whole, read));
            }
        }
    }

    /// Begins a list of `left` parts; gives the reply that it completes, when it has none.
    fn begin(&mut self, kind: ListKind, left: usize) -> Result<Option<Value>, ReplyError> {
        if left == 0 {
            return Ok(self.place(kind.close(Vec::new())));
        }
        // The list's own level, and that of its parts.
        if self.open.len() + 2 > self.limits.depth_max {
            return Err(ReplyError::TooDeep { max: self.limits.depth_max });
        }
        let parts = Vec::with_capacity(left.min(PARTS_AHEAD_MAX));
        self.open.push(OpenList { kind, parts, left });
        Ok(None)
    }

    /// Puts a whole value where it belongs; gives the reply that it completes.
    fn place(&mut self, mut value: Value) -> Option<Value> {
        while let Some(mut list) = self.open.pop() {
            list.parts.push(value);
            list.left -= 1;
            if list.left > 0 {
                self.open.push(list);
                return None;
            }
            value = list.kind.close(list.parts);
        }
        Some(value)
    }

    /// Reads one line, and the string behind it where it announces one. None while that is not all there.
    fn token(&self, bytes: &[u8]) -> Result<Option<(Token, usize)>, ReplyError> {
        let Some((&kind, _)) = bytes.split_first() else { return Ok(None) };
        if !b"+-:$*_#,(!=%~>|".contains(&kind) {
            return Err(ReplyError::UnknownType(kind));
        }
        let Some((line, next)) = self.line(bytes)? else { return Ok(None) };
        if matches!(kind, b'$' | b'!' | b'=') {
            if let (b'$', b"-1") = (kind, line) {
                return Ok(Some((Token::Whole(Value::NullBulk), next)));
            }
            let rest = bytes.get(next..).unwrap_or_default();
            let Some((text, len)) = self.string(kind, line, rest)? else { return Ok(None) };
            return Ok(Some((Token::Whole(string_value(kind, text)?), next + len)));
        }
        let token = if matches!(kind, b'*' | b'%' | b'~' | b'>' | b'|') {
            self.list(kind, line)?
        } else {
            Token::Whole(line_value(kind, line).ok_or_else(|| malformed(kind, line))?)
        };
        Ok(Some((token, next)))
    }

    /// What stands between the type byte and the line end, and where the next line starts.
    fn line<'a>(&self, bytes: &'a [u8]) -> Result<Option<(&'a [u8], usize)>, ReplyError> {
        let end = bytes.iter().position(|&byte| byte == b'\r');
        let max = self.limits.line_bytes_max;
        if end.unwrap_or(bytes.len()) > max {
            return Err(ReplyError::LineTooLong { max });
        }
        let Some(end) = end else { return Ok(None) };
        match bytes.get(end + 1) {
            None => Ok(None),
            Some(b'\n') => Ok(Some((bytes.get(1..end).unwrap_or_default(), end + 2))),
            Some(_) => Err(ReplyError::MissingLineEnd),
        }
    }

    /// A string of the length that `line` says, and how many bytes it takes with its line end.
    fn string<'a>(
        &self,
        kind: u8,
        line: &[u8],
        rest: &'a [u8],
    ) -> Result<Option<(&'a [u8], usize)>, ReplyError> {
        let len = length(kind, line)?;
        let max = self.limits.bulk_bytes_max;
        if len > max {
            return Err(ReplyError::BulkTooLong { given: len, max });
        }
        let Some(text) = rest.get(..len) else { return Ok(None) };
        match rest.get(len..).unwrap_or_default() {
            [b'\r', b'\n', ..] => Ok(Some((text, len + 2))),
            [] | [b'\r'] => Ok(None),
            _ => Err(ReplyError::MissingLineEnd),
        }
    }

    /// A list of the length that `line` says.
    fn list(&self, kind: u8, line: &[u8]) -> Result<Token, ReplyError> {
        if let (b'*', b"-1") = (kind, line) {
            return Ok(Token::Whole(Value::NullArray));
        }
        let announced = length(kind, line)?;
        let (list, parts) = match kind {
            b'%' => (ListKind::Map, announced.saturating_mul(2)),
            b'|' => (ListKind::Attributes, announced.saturating_mul(2).saturating_add(1)),
            b'~' => (ListKind::Set, announced),
            b'>' => (ListKind::Push, announced),
            _ => (ListKind::Array, announced),
        };
        let max = self.limits.parts_max;
        if parts > max {
            return Err(ReplyError::TooManyParts { given: parts, max });
        }
        Ok(Token::Open(list, parts))
    }
}

impl ListKind {
    fn close(self, mut parts: Vec<Value>) -> Value {
        match self {
            Self::Array => Value::Array(parts),
            Self::Set => Value::Set(parts),
            Self::Push => Value::Push(parts),
            Self::Map => Value::Map(pairs(parts)),
            Self::Attributes => {
                let reply = Box::new(parts.pop().unwrap_or(Value::Null));
                Value::Attributed { attributes: pairs(parts), reply }
            }
        }
    }
}

fn pairs(parts: Vec<Value>) -> Vec<(Value, Value)> {
    let mut parts = parts.into_iter();
    std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
}

fn length(kind: u8, line: &[u8]) -> Result<usize, ReplyError> {
    let len = integer(line).and_then(|number| usize::try_from(number).ok());
    len.ok_or_else(|| malformed(kind, line))
}

fn malformed(kind: u8, line: &[u8]) -> ReplyError {
    ReplyError::Malformed { kind, line: line.to_vec() }
}

/// A string that has been announced by `$`, `!` or `=`.
fn string_value(kind: u8, text: &[u8]) -> Result<Value, ReplyError> {
    match (kind, text) {
        (b'!', text) => Ok(Value::Error(text.to_vec())),
        (b'=', [a, b, c, b':', text @ ..]) => {
            Ok(Value::Verbatim { format: [*a, *b, *c], text: text.to_vec() })
        }
        (b'=', text) => Err(malformed(kind, text)),
        (_, text) => Ok(Value::Bulk(text.to_vec())),
    }
}

/// A reply that is all in one line.
fn line_value(kind: u8, line: &[u8]) -> Option<Value> {
    match (kind, line) {
        (b'+', line) => Some(Value::Simple(line.to_vec())),
        (b'-', line) => Some(Value::Error(line.to_vec())),
        (b':', line) => integer(line).map(Value::Integer),
        (b'_', b"") => Some(Value::Null),
        (b'#', b"t") => Some(Value::Boolean(true)),
        (b'#', b"f") => Some(Value::Boolean(false)),
        (b',', line) => std::str::from_utf8(line).ok()?.parse().ok().map(Value::Double),
        (b'(', line) => is_big_number(line).then(|| Value::BigNumber(line.to_vec())),
        _ => None,
    }
}

fn is_big_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

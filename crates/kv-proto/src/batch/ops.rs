//! The operations of a batch.

use std::fmt;
use std::ops::Range;

use bytes::{BufMut, Bytes};
use prost::DecodeError;
use prost::encoding::message;

use super::cursor::next_field;
use super::encoded::{APART_BYTES_MIN, Encoded};
use super::fields::{
    bytes_len, length_len, number_len, put_bytes, put_length, put_number, put_some, some_len,
};
use super::op_ref::{OpRef, SetOptions, SetRef};
use super::place::{
    CONDITION, DURABILITY, EXPIRES_AT, IF_VERSION, KEEP_TTL, KEY, OP, OP_GET, OP_SET, Place,
    RETURN_PREVIOUS, TTL, VALUE,
};
use crate::v1::{Op, op, set_request::Expiry};

/// The field of `BatchWriteRequest` that each operation is.
pub(super) const FIELD: u32 = 1;

/// What most operations need beside their key and value.
const OP_BYTES: usize = 32;

/// The operations of a batch, in order, each encoded when it is added, or as it was received.
///
/// `get` and `set` lend keys and values from there; the other kinds are kept as structures besides. Costs one copy
/// of each key and value, except values of a `set` of 16 KiB and more, and what is received.
#[derive(Clone, Default)]
pub struct Ops {
    encoded: Encoded,
    places: Vec<Place>,
}

impl Ops {
    /// None yet, with room for so many with short keys.
    pub fn with_capacity(operations: usize) -> Self {
        let encoded = Encoded::with_capacity(operations.saturating_mul(OP_BYTES));
        Self { encoded, places: Vec::with_capacity(operations) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { encoded: self.encoded.as_slice(), places: self.places.iter() }
    }

    /// Adds an operation.
    pub fn push(&mut self, op: Op) {
        match &op.op {
            Some(op::Op::Set(set)) if set.value.len() >= APART_BYTES_MIN => {
                let lent = SetRef::from(set);
                self.begin_set(&lent);
                self.encoded.put_apart(set.value.clone());
                self.end_set(&lent.options);
                self.places.push(Place::Other(Box::new(op)));
            }
            Some(op::Op::Set(set)) => self.push_set(&SetRef::from(set)),
            Some(op::Op::Get(get)) => self.push_get(&get.key),
            _ => {
                message::encode(FIELD, &op, self.encoded.make());
                self.places.push(Place::Other(Box::new(op)));
            }
        }
    }

    /// Adds a read of a key.
    pub fn push_get(&mut self, key: &[u8]) {
        let get = bytes_len(key.len());
        let out = self.encoded.make();
        out.reserve(OP_BYTES + key.len());
        put_length(out, OP, length_len(get) + get);
        put_length(out, OP_GET, get);
        let key = put_bytes(out, KEY, key);
        self.places.push(Place::Get(key));
    }

    /// Adds a write. Its value is copied, however long it is.
    pub fn push_set(&mut self, set: &SetRef<'_>) {
        self.encoded.make().reserve(OP_BYTES + set.key.len() + set.value.len());
        let key = self.begin_set(set);
        let out = self.encoded.make();
        let value = out.len();
        out.extend_from_slice(set.value);
        let value = value..out.len();
        self.end_set(&set.options);
        self.places.push(Place::Set { key, value, options: set.options });
    }

    /// Writes what is before the value; tells where the key is.
    fn begin_set(&mut self, set: &SetRef<'_>) -> Range<usize> {
        let len = bytes_len(set.key.len()) + bytes_len(set.value.len()) + options_len(&set.options);
        let out = self.encoded.make();
        put_length(out, OP, length_len(len) + len);
        put_length(out, OP_SET, len);
        let key = put_bytes(out, KEY, set.key);
        if !set.value.is_empty() {
            put_length(out, VALUE, set.value.len());
        }
        key
    }

    /// Writes what is behind the value.
    fn end_set(&mut self, options: &SetOptions) {
        let out = self.encoded.make();
        if let Some((field, number)) = expiry(options) {
            put_some(out, field, Some(number));
        }
        put_number(out, CONDITION, i64::from(options.condition).cast_unsigned());
        put_number(out, IF_VERSION, options.if_version);
        put_number(out, RETURN_PREVIOUS, options.return_previous.into());
        put_number(out, DURABILITY, i64::from(options.durability).cast_unsigned());
    }

    /// Makes clones share what they hold of operations.
    pub fn freeze(&mut self) {
        self.encoded.freeze();
    }

    /// Takes the operations with which a message goes on. What cannot be read is left there.
    pub(super) fn receive(&mut self, message: &mut Bytes) -> Result<(), DecodeError> {
        let base = self.encoded.as_slice().len();
        let mut taken = 0;
        while let Some(content) = next_field(OP, message, taken) {
            taken = content.end;
            self.places.push(Place::read(message, content, base)?);
        }
        if taken > 0 {
            self.encoded.append(message.split_to(taken));
        }
        Ok(())
    }

    /// Adds an operation in the form in which it was sent.
    pub(super) fn push_encoded(&mut self, content: &[u8]) -> Result<(), DecodeError> {
        let mut field = Vec::with_capacity(OP_BYTES + content.len());
        put_length(&mut field, OP, content.len());
        field.extend_from_slice(content);
        self.receive(&mut field.into())
    }

    pub(super) fn encoded_len(&self) -> usize {
        self.encoded.encoded_len()
    }

    /// Writes all of them as fields of a message.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        self.encoded.encode(out);
    }
}

/// The field of an expiry, and its number.
fn expiry(options: &SetOptions) -> Option<(u8, i64)> {
    options.expiry.map(|expiry| match expiry {
        Expiry::TtlMs(ms) => (TTL, ms),
        Expiry::ExpiresAtMs(ms) => (EXPIRES_AT, ms),
        Expiry::KeepTtl(keep) => (KEEP_TTL, keep.into()),
    })
}

/// The length of what is behind the value.
fn options_len(options: &SetOptions) -> usize {
    some_len(expiry(options).map(|(_field, number)| number))
        + number_len(i64::from(options.condition).cast_unsigned())
        + number_len(options.if_version)
        + number_len(options.return_previous.into())
        + number_len(i64::from(options.durability).cast_unsigned())
}

/// The operations of a batch, lent one after the other.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    encoded: &'a [u8],
    places: std::slice::Iter<'a, Place>,
}

impl<'a> Iter<'a> {
    fn lent(&self, range: &Range<usize>) -> &'a [u8] {
        self.encoded.get(range.clone()).unwrap_or_default()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = OpRef<'a>;

    fn next(&mut self) -> Option<OpRef<'a>> {
        Some(match self.places.next()? {
            Place::Get(key) => OpRef::Get(self.lent(key)),
            Place::Set { key, value, options } => {
                let (key, value, options) = (self.lent(key), self.lent(value), *options);
                OpRef::Set(SetRef { key, value, options })
            }
            Place::Other(op) => OpRef::Other(op),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Ops {
    type Item = OpRef<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<Op> for Ops {
    fn from_iter<T: IntoIterator<Item = Op>>(ops: T) -> Self {
        let mut all = Self::default();
        for op in ops {
            all.push(op);
        }
        all
    }
}

impl From<Vec<Op>> for Ops {
    fn from(ops: Vec<Op>) -> Self {
        ops.into_iter().collect()
    }
}

impl PartialEq for Ops {
    fn eq(&self, other: &Self) -> bool {
        self.iter().map(Op::from).eq(other.iter().map(Op::from))
    }
}

impl fmt::Debug for Ops {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

//! The answers to the operations of a batch.

use std::fmt;

use bytes::{BufMut, Bytes};
use prost::encoding::message;
use prost::{DecodeError, Message};

use super::fields::{length_len, number_len, put_length, put_number, put_ttl, ttl_len};
use crate::v1::{OpResult, op_result};

/// The field of `BatchWriteResponse` that each result is.
pub(super) const FIELD: u32 = 2;

/// Keys of fields that hold bytes or a message, and of those that hold a number.
const RESULT: u8 = 0x12;
const RESULT_GET: u8 = 0x0a;
const RESULT_SET: u8 = 0x12;
const GET_VALUE: u8 = 0x0a;
const GET_VERSION: u8 = 0x10;
const GET_TTL: u8 = 0x18;
const SET_APPLIED: u8 = 0x08;
const SET_VERSION: u8 = 0x10;
const SET_TTL: u8 = 0x18;
const SET_ACHIEVED: u8 = 0x28;

/// What a result needs at most beside its value.
const RESULT_BYTES: usize = 48;

/// Values read of this length or longer are sent from where they are.
pub const APART_BYTES_MIN: usize = 16 << 10;

/// The answers to the operations of a batch, in order, each encoded when it is given.
///
/// Costs one copy of each value below 16 KiB; longer ones are shared until the message is sent.
#[derive(Clone, Default)]
pub struct Results {
    len: usize,
    encoded: Vec<u8>,
    /// Values that belong in between: before the byte of `encoded` with this index.
    apart: Vec<(usize, Bytes)>,
    apart_bytes: usize,
    /// Where the results of writes say which level they have reached.
    achieved_at: Vec<usize>,
}

impl Results {
    /// None yet, with room for so many without values.
    pub fn with_capacity(results: usize) -> Self {
        let encoded = Vec::with_capacity(results.saturating_mul(RESULT_BYTES));
        Self { encoded, ..Self::default() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The length of all of them in the message, in bytes.
    pub fn encoded_len(&self) -> usize {
        self.encoded.len() + self.apart_bytes
    }

    /// Adds a result.
    pub fn push(&mut self, result: &OpResult) {
        if let Some(op_result::Result::Get(get)) = &result.result
            && let Some(value) = &get.value
        {
            if value.len() < APART_BYTES_MIN {
                return self.push_value(value, get.version, get.ttl_ms);
            }
            let promised = self.push_promised(value.len(), get.version, get.ttl_ms);
            return self.supply(promised, value.clone());
        }
        message::encode(FIELD, result, &mut self.encoded);
        self.len += 1;
    }

    /// Adds the result of a write; its level can be [changed](Self::set_achieved) until the message is sent.
    pub fn push_written(&mut self, result: &OpResult) {
        self.push(result);
        // The level is the last field of each result that has one, and is not 0.
        self.achieved_at.extend(self.encoded.len().checked_sub(1));
    }

    /// Adds the result of a read: a value that was found, its version, and when it ends.
    pub fn push_value(&mut self, value: &[u8], version: u64, ttl_ms: Option<i64>) {
        self.encoded.reserve(RESULT_BYTES + value.len());
        let read = Read { value_len: value.len(), version, ttl_ms };
        read.begin(&mut self.encoded);
        self.encoded.extend_from_slice(value);
        read.end(&mut self.encoded);
        self.len += 1;
    }

    /// Adds the result of a read whose value of this length is [supplied](Self::supply) later; tells as what.
    pub fn push_promised(&mut self, value_len: usize, version: u64, ttl_ms: Option<i64>) -> usize {
        let read = Read { value_len, version, ttl_ms };
        read.begin(&mut self.encoded);
        self.apart.push((self.encoded.len(), Bytes::new()));
        self.apart_bytes += value_len;
        read.end(&mut self.encoded);
        self.len += 1;
        self.apart.len() - 1
    }

    /// Supplies a value that was promised. It is not copied.
    pub fn supply(&mut self, promised: usize, value: Bytes) {
        if let Some((_at, place)) = self.apart.get_mut(promised) {
            *place = value;
        }
    }

    /// Adds the result of a `Set` that was made: its level can be [changed](Self::set_achieved), and is not 0.
    pub fn push_set(&mut self, version: u64, ttl_ms: Option<i64>, achieved: u8) {
        self.encoded.reserve(RESULT_BYTES);
        let set = 4 + number_len(version) + ttl_len(ttl_ms);
        let out = &mut self.encoded;
        put_length(out, RESULT, length_len(set) + set);
        put_length(out, RESULT_SET, set);
        out.extend_from_slice(&[SET_APPLIED, 1]);
        put_number(out, SET_VERSION, version);
        put_ttl(out, SET_TTL, ttl_ms);
        out.extend_from_slice(&[SET_ACHIEVED, achieved]);
        self.achieved_at.push(out.len() - 1);
        self.len += 1;
    }

    /// Adds a result in the form in which it was sent.
    pub(super) fn push_encoded(&mut self, content: &[u8]) {
        self.encoded.reserve(RESULT_BYTES + content.len());
        put_length(&mut self.encoded, RESULT, content.len());
        self.encoded.extend_from_slice(content);
        self.len += 1;
    }

    /// Says in the results of all writes which level they have reached: one below 128.
    pub fn set_achieved(&mut self, level: u8) {
        for at in &self.achieved_at {
            if let Some(place) = self.encoded.get_mut(*at) {
                *place = level;
            }
        }
    }

    /// Writes all of them as fields of a message.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        let mut done = 0;
        for (at, value) in &self.apart {
            out.put_slice(self.encoded.get(done..*at).unwrap_or_default());
            out.put_slice(value);
            done = *at;
        }
        out.put_slice(self.encoded.get(done..).unwrap_or_default());
    }

    /// All of them, taken apart. Values share one piece of memory.
    ///
    /// # Errors
    /// One that was received cannot be read.
    pub fn decoded(&self) -> Result<Vec<OpResult>, DecodeError> {
        let mut encoded = Vec::with_capacity(self.encoded_len());
        self.encode(&mut encoded);
        let mut encoded = Bytes::from(encoded);
        let mut results = Vec::with_capacity(self.len);
        while !encoded.is_empty() {
            let (_field, _kind) = prost::encoding::decode_key(&mut encoded)?;
            let content = prost::decode_length_delimiter(&mut encoded)?;
            results.push(OpResult::decode(encoded.split_to(content.min(encoded.len())))?);
        }
        Ok(results)
    }
}

impl From<Vec<OpResult>> for Results {
    fn from(results: Vec<OpResult>) -> Self {
        let mut encoded = Self::with_capacity(results.len());
        for result in &results {
            encoded.push(result);
        }
        encoded
    }
}

impl PartialEq for Results {
    fn eq(&self, other: &Self) -> bool {
        self.decoded() == other.decoded()
    }
}

impl fmt::Debug for Results {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decoded() {
            Ok(results) => formatter.debug_list().entries(results).finish(),
            Err(error) => formatter.debug_tuple("Results").field(&error).finish(),
        }
    }
}

/// What stands around the value of a read.
struct Read {
    value_len: usize,
    version: u64,
    ttl_ms: Option<i64>,
}

impl Read {
    fn begin(&self, out: &mut Vec<u8>) {
        let after = number_len(self.version) + ttl_len(self.ttl_ms);
        let get = length_len(self.value_len) + self.value_len + after;
        put_length(out, RESULT, length_len(get) + get);
        put_length(out, RESULT_GET, get);
        put_length(out, GET_VALUE, self.value_len);
    }

    fn end(&self, out: &mut Vec<u8>) {
        put_number(out, GET_VERSION, self.version);
        put_ttl(out, GET_TTL, self.ttl_ms);
    }
}

//! The answers to the operations of a batch.

use std::fmt;

use bytes::{BufMut, Bytes};
use prost::DecodeError;
use prost::encoding::message;

use super::cursor::next_field;
use super::encoded::{APART_BYTES_MIN, Encoded};
use super::fields::{length_len, number_len, put_length, put_number, put_some, some_len};
use super::result::{
    RESULT, RESULT_SET, Read, SET_ACHIEVED, SET_APPLIED, SET_TTL, SET_VERSION, Written, achieved,
    read_result,
};
use crate::v1::{Durability, GetResponse, OpResult, op_result};

/// The field of `BatchWriteResponse` that each result is.
pub(super) const FIELD: u32 = 2;

/// What most results need beside their value.
const RESULT_BYTES: usize = 48;

/// The answers to the operations of a batch, in order, each encoded when it is given.
///
/// Costs one copy of each value below 16 KiB, also of those that were there before; longer ones are shared until
/// the message is sent.
#[derive(Clone, Default)]
pub struct Results {
    len: usize,
    encoded: Encoded,
    /// Where the results of writes say which level they have reached.
    achieved_at: Vec<usize>,
}

impl Results {
    /// None yet, with room for so many without values.
    pub fn with_capacity(results: usize) -> Self {
        let encoded = Encoded::with_capacity(results.saturating_mul(RESULT_BYTES));
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
        self.encoded.encoded_len()
    }

    /// Adds a result. When it names a level, that can be [changed](Self::set_achieved).
    pub fn push(&mut self, result: &OpResult) {
        match &result.result {
            Some(op_result::Result::Get(GetResponse { value: Some(value), version, ttl_ms })) => {
                if value.len() < APART_BYTES_MIN {
                    return self.push_value(value, *version, *ttl_ms);
                }
                let promised = self.push_promised(value.len(), *version, *ttl_ms);
                return self.supply(promised, value.clone());
            }
            Some(one_of) => match Written::of(one_of) {
                Some(written) => self.push_long_previous(&written),
                None => message::encode(FIELD, result, self.encoded.make()),
            },
            None => message::encode(FIELD, result, self.encoded.make()),
        }
        self.len += 1;
        if achieved(result).is_some_and(|level| (1..128).contains(&level)) {
            // It is the last field of each result that has one.
            self.achieved_at.extend(self.encoded.as_slice().len().checked_sub(1));
        }
    }

    fn push_long_previous(&mut self, written: &Written<'_>) {
        written.begin(self.encoded.make());
        self.encoded.put_apart(written.previous.clone());
        written.end(self.encoded.make());
    }

    /// Sees that short values of so many reads can be added without moving those that are there, if that would be
    /// long.
    pub fn reserve(&mut self, reads: usize) {
        if self.encoded.as_slice().len() >= APART_BYTES_MIN {
            self.encoded.make().reserve(reads.saturating_mul(RESULT_BYTES + APART_BYTES_MIN));
        }
    }

    /// About how much memory they take, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.encoded.held_bytes() + self.achieved_at.capacity() * size_of::<usize>()
    }

    /// Adds the result of a read: a value that was found, its version, and when it ends.
    pub fn push_value(&mut self, value: &[u8], version: u64, ttl_ms: Option<i64>) {
        let out = self.encoded.make();
        out.reserve(RESULT_BYTES + value.len());
        let read = Read { value_len: value.len(), version, ttl_ms };
        read.begin(out);
        out.extend_from_slice(value);
        read.end(out);
        self.len += 1;
    }

    /// Adds the result of a read whose value of this length is [supplied](Self::supply) later; tells as what.
    pub fn push_promised(&mut self, value_len: usize, version: u64, ttl_ms: Option<i64>) -> usize {
        let read = Read { value_len, version, ttl_ms };
        read.begin(self.encoded.make());
        let promised = self.encoded.promise(value_len);
        read.end(self.encoded.make());
        self.len += 1;
        promised
    }

    /// Supplies a value that was promised. It is not copied.
    pub fn supply(&mut self, promised: usize, value: Bytes) {
        self.encoded.supply(promised, value);
    }

    /// Adds the result of a `Set` that was made: its level can be [changed](Self::set_achieved).
    pub fn push_set(&mut self, version: u64, ttl_ms: Option<i64>, achieved: Durability) {
        let set = 4 + number_len(version) + some_len(ttl_ms);
        let out = self.encoded.make();
        out.reserve(RESULT_BYTES);
        put_length(out, RESULT, length_len(set) + set);
        put_length(out, RESULT_SET, set);
        out.extend_from_slice(&[SET_APPLIED, 1]);
        put_number(out, SET_VERSION, version);
        put_some(out, SET_TTL, ttl_ms);
        out.extend_from_slice(&[SET_ACHIEVED, achieved as u8]);
        self.achieved_at.push(out.len() - 1);
        self.len += 1;
    }

    /// Adds a result in the form in which it was sent.
    pub(super) fn push_encoded(&mut self, content: &[u8]) {
        let out = self.encoded.make();
        out.reserve(RESULT_BYTES + content.len());
        put_length(out, RESULT, content.len());
        out.extend_from_slice(content);
        self.len += 1;
    }

    /// Says in the results of all writes which level they have reached.
    pub fn set_achieved(&mut self, level: Durability) {
        let encoded = self.encoded.make();
        for at in &self.achieved_at {
            if let Some(place) = encoded.get_mut(*at) {
                *place = level as u8;
            }
        }
    }

    /// Writes all of them as fields of a message.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        self.encoded.encode(out);
    }

    /// Takes the results with which a message goes on. What cannot be read is left there.
    pub(super) fn receive(&mut self, message: &mut Bytes) {
        let mut taken = 0;
        while let Some(content) = next_field(RESULT, message, taken) {
            taken = content.end;
            self.len += 1;
        }
        if taken > 0 {
            self.encoded.append(message.split_to(taken));
        }
    }

    /// Each of them, in order, or why one that was received cannot be read. Values share one piece of memory.
    pub fn each(&self) -> impl Iterator<Item = Result<OpResult, DecodeError>> {
        let (encoded, mut done) = (self.encoded.whole(), 0);
        std::iter::from_fn(move || {
            let content = next_field(RESULT, &encoded, done)?;
            done = content.end;
            Some(read_result(&encoded, content))
        })
    }

    /// All of them.
    ///
    /// # Errors
    /// One that was received cannot be read.
    pub fn decoded(&self) -> Result<Vec<OpResult>, DecodeError> {
        let mut results = Vec::with_capacity(self.len);
        for result in self.each() {
            results.push(result?);
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

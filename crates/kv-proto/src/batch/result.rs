//! One answer of a batch, as it is encoded.

use std::ops::Range;

use bytes::Bytes;
use prost::{DecodeError, Message};

use super::cursor::Cursor;
use super::encoded::APART_BYTES_MIN;
use super::fields::{length_len, number_len, put_length, put_number, put_some, some_len};
use crate::v1::{GetResponse, OpResult, SetResponse, op_result};

/// Keys of fields that hold bytes or a message, and of those that hold a number.
pub(super) const RESULT: u8 = 0x12;
pub(super) const RESULT_GET: u8 = 0x0a;
pub(super) const RESULT_SET: u8 = 0x12;
const RESULT_DELETE: u8 = 0x1a;
pub(super) const GET_VALUE: u8 = 0x0a;
pub(super) const GET_VERSION: u8 = 0x10;
pub(super) const GET_TTL: u8 = 0x18;
pub(super) const SET_APPLIED: u8 = 0x08;
pub(super) const SET_VERSION: u8 = 0x10;
pub(super) const SET_TTL: u8 = 0x18;
const SET_PREVIOUS: u8 = 0x22;
pub(super) const SET_ACHIEVED: u8 = 0x28;

/// Reads a result; its value is shared with the message.
pub(super) fn read_result(message: &Bytes, content: Range<usize>) -> Result<OpResult, DecodeError> {
    match read_usual(message, content.clone()) {
        Some(result) => Ok(OpResult { result: Some(result) }),
        None => OpResult::decode(message.slice(content)),
    }
}

/// Reads one that answers a `get` or a `set` and has nothing besides.
fn read_usual(message: &Bytes, content: Range<usize>) -> Option<op_result::Result> {
    let mut result = Cursor::new(message, content);
    let (kind, answer) = (result.byte()?, result.content()?);
    if !result.is_done() {
        return None;
    }
    let fields = Cursor::new(message, answer);
    match kind {
        RESULT_GET => read_get(message, fields).map(op_result::Result::Get),
        RESULT_SET => read_set(fields).map(op_result::Result::Set),
        _ => None,
    }
}

fn read_get(message: &Bytes, mut fields: Cursor<'_>) -> Option<GetResponse> {
    let (mut value, mut get) = (None, GetResponse::default());
    while !fields.is_done() {
        match fields.byte()? {
            GET_VALUE => value = Some(fields.content()?),
            GET_VERSION => get.version = fields.number()?,
            GET_TTL => get.ttl_ms = Some(fields.number()?.cast_signed()),
            _ => return None,
        }
    }
    get.value = value.map(|value| message.slice(value));
    Some(get)
}

fn read_set(mut fields: Cursor<'_>) -> Option<SetResponse> {
    let mut set = SetResponse::default();
    while !fields.is_done() {
        match fields.byte()? {
            SET_APPLIED => set.applied = fields.number()? != 0,
            SET_VERSION => set.version = fields.number()?,
            SET_TTL => set.ttl_ms = Some(fields.number()?.cast_signed()),
            SET_ACHIEVED => set.achieved = i32::try_from(fields.number()?).ok()?,
            // Also when it says what the value was before.
            _ => return None,
        }
    }
    Some(set)
}

/// What stands around the value of a read.
pub(super) struct Read {
    pub(super) value_len: usize,
    pub(super) version: u64,
    pub(super) ttl_ms: Option<i64>,
}

impl Read {
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        let after = number_len(self.version) + some_len(self.ttl_ms);
        let get = length_len(self.value_len) + self.value_len + after;
        put_length(out, RESULT, length_len(get) + get);
        put_length(out, RESULT_GET, get);
        put_length(out, GET_VALUE, self.value_len);
    }

    pub(super) fn end(&self, out: &mut Vec<u8>) {
        put_number(out, GET_VERSION, self.version);
        put_some(out, GET_TTL, self.ttl_ms);
    }
}

/// What stands around the long value that was there before a write. `set` and `delete` answer alike.
pub(super) struct Written<'a> {
    kind: u8,
    applied: bool,
    version: u64,
    ttl_ms: Option<i64>,
    pub(super) previous: &'a Bytes,
    achieved: i32,
}

impl<'a> Written<'a> {
    /// `None` when there is no such value.
    pub(super) fn of(result: &'a op_result::Result) -> Option<Self> {
        let (kind, applied, version, ttl_ms, previous, achieved) = match result {
            op_result::Result::Set(set) => {
                (RESULT_SET, set.applied, set.version, set.ttl_ms, &set.previous, set.achieved)
            }
            op_result::Result::Delete(gone) => (
                RESULT_DELETE,
                gone.applied,
                gone.version,
                gone.ttl_ms,
                &gone.previous,
                gone.achieved,
            ),
            _ => return None,
        };
        let previous = previous.as_ref().filter(|previous| previous.len() >= APART_BYTES_MIN)?;
        Some(Self { kind, applied, version, ttl_ms, previous, achieved })
    }

    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        let before =
            number_len(self.applied.into()) + number_len(self.version) + some_len(self.ttl_ms);
        let previous = length_len(self.previous.len()) + self.previous.len();
        let len = before + previous + number_len(self.achieved());
        put_length(out, RESULT, length_len(len) + len);
        put_length(out, self.kind, len);
        put_number(out, SET_APPLIED, self.applied.into());
        put_number(out, SET_VERSION, self.version);
        put_some(out, SET_TTL, self.ttl_ms);
        put_length(out, SET_PREVIOUS, self.previous.len());
    }

    pub(super) fn end(&self, out: &mut Vec<u8>) {
        put_number(out, SET_ACHIEVED, self.achieved());
    }

    fn achieved(&self) -> u64 {
        i64::from(self.achieved).cast_unsigned()
    }
}

/// The level that a result names.
pub(super) fn achieved(result: &OpResult) -> Option<i32> {
    match result.result.as_ref()? {
        op_result::Result::Set(set) => Some(set.achieved),
        op_result::Result::Delete(gone) => Some(gone.achieved),
        op_result::Result::Increment(sum) => Some(sum.achieved),
        op_result::Result::Append(appended) => Some(appended.achieved),
        op_result::Result::Expire(expired) => Some(expired.achieved),
        op_result::Result::Get(_) | op_result::Result::Exists(_) | op_result::Result::Error(_) => {
            None
        }
    }
}

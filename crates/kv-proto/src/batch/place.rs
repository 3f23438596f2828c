//! Where in its message an operation is.

use std::ops::Range;

use bytes::Bytes;
use prost::{DecodeError, Message};

use super::cursor::Cursor;
use super::op_ref::SetOptions;
use crate::v1::{Op, set_request::Expiry};

/// Keys of fields that hold bytes or a message, and of those that hold a number.
pub(super) const OP: u8 = 0x0a;
pub(super) const OP_GET: u8 = 0x0a;
pub(super) const OP_SET: u8 = 0x12;
pub(super) const KEY: u8 = 0x0a;
pub(super) const VALUE: u8 = 0x12;
pub(super) const TTL: u8 = 0x18;
pub(super) const EXPIRES_AT: u8 = 0x20;
pub(super) const KEEP_TTL: u8 = 0x28;
pub(super) const CONDITION: u8 = 0x30;
pub(super) const IF_VERSION: u8 = 0x38;
pub(super) const RETURN_PREVIOUS: u8 = 0x40;
pub(super) const DURABILITY: u8 = 0x48;

/// An operation, by where its key and value are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Get(Range<usize>),
    Set {
        key: Range<usize>,
        value: Range<usize>,
        options: SetOptions,
    },
    /// One that is read as a whole.
    Other(Box<Op>),
}

impl Place {
    /// Reads an operation of a message that goes behind so many other bytes.
    pub(super) fn read(
        message: &Bytes,
        content: Range<usize>,
        before: usize,
    ) -> Result<Self, DecodeError> {
        match Self::read_usual(message, content.clone(), before) {
            Some(place) => Ok(place),
            None => Ok(Self::Other(Box::new(Op::decode(message.slice(content))?))),
        }
    }

    /// Reads one that is a `get` or a `set` and nothing besides.
    fn read_usual(message: &[u8], content: Range<usize>, before: usize) -> Option<Self> {
        let mut op = Cursor::new(message, content);
        let (kind, request) = (op.byte()?, op.content()?);
        if !op.is_done() {
            return None;
        }
        let fields = Cursor::new(message, request);
        match kind {
            OP_GET => Self::read_get(fields, before),
            OP_SET => Self::read_set(fields, before),
            _ => None,
        }
    }

    fn read_get(mut fields: Cursor<'_>, before: usize) -> Option<Self> {
        let mut key = 0..0;
        while !fields.is_done() {
            match fields.byte()? {
                KEY => key = shifted(fields.content()?, before),
                _ => return None,
            }
        }
        Some(Self::Get(key))
    }

    fn read_set(mut fields: Cursor<'_>, before: usize) -> Option<Self> {
        let (mut key, mut value, mut options) = (0..0, 0..0, SetOptions::default());
        while !fields.is_done() {
            match fields.byte()? {
                KEY => key = shifted(fields.content()?, before),
                VALUE => value = shifted(fields.content()?, before),
                TTL => options.expiry = Some(Expiry::TtlMs(fields.number()?.cast_signed())),
                EXPIRES_AT => {
                    options.expiry = Some(Expiry::ExpiresAtMs(fields.number()?.cast_signed()));
                }
                KEEP_TTL => options.expiry = Some(Expiry::KeepTtl(fields.number()? != 0)),
                CONDITION => options.condition = i32::try_from(fields.number()?).ok()?,
                IF_VERSION => options.if_version = fields.number()?,
                RETURN_PREVIOUS => options.return_previous = fields.number()? != 0,
                DURABILITY => options.durability = i32::try_from(fields.number()?).ok()?,
                _ => return None,
            }
        }
        Some(Self::Set { key, value, options })
    }
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

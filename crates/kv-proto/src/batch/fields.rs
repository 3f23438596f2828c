//! Fields of messages, as protobuf writes them: a key, and then a number or a length with so many bytes behind it.

use std::ops::Range;

use bytes::{Buf, Bytes};
use prost::encoding::{self, DecodeContext, WireType, decode_key, encoded_len_varint};
use prost::{DecodeError, Message};

/// The length of a length with its key.
pub(super) fn length_len(len: usize) -> usize {
    1 + encoded_len_varint(len as u64)
}

pub(super) fn put_length(out: &mut Vec<u8>, key: u8, len: usize) {
    out.push(key);
    put_varint(out, len as u64);
}

/// The length of bytes with their length and key. None are left out.
pub(super) fn bytes_len(len: usize) -> usize {
    if len == 0 { 0 } else { length_len(len) + len }
}

/// Tells where the bytes are.
pub(super) fn put_bytes(out: &mut Vec<u8>, key: u8, bytes: &[u8]) -> Range<usize> {
    if !bytes.is_empty() {
        put_length(out, key, bytes.len());
        out.extend_from_slice(bytes);
    }
    out.len() - bytes.len()..out.len()
}

/// The length of a number with its key. 0 is left out.
pub(super) fn number_len(number: u64) -> usize {
    if number == 0 { 0 } else { 1 + encoded_len_varint(number) }
}

pub(super) fn put_number(out: &mut Vec<u8>, key: u8, number: u64) {
    if number != 0 {
        out.push(key);
        put_varint(out, number);
    }
}

/// The length of a number with its key, where 0 is not the same as none.
pub(super) fn some_len(number: Option<i64>) -> usize {
    number.map_or(0, |number| 1 + encoded_len_varint(number.cast_unsigned()))
}

pub(super) fn put_some(out: &mut Vec<u8>, key: u8, number: Option<i64>) {
    if let Some(number) = number {
        out.push(key);
        put_varint(out, number.cast_unsigned());
    }
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [last, ..] = number.to_le_bytes();
    out.push(last);
}

/// The content of a message within a message. Not copied where `from` can share it.
pub(super) fn content(
    wire_type: WireType,
    from: &mut impl Buf,
    context: DecodeContext,
) -> Result<Bytes, DecodeError> {
    let mut bytes = Bytes::new();
    encoding::bytes::merge(wire_type, &mut bytes, from, context)?;
    Ok(bytes)
}

/// Reads a message whose many parts `receive` takes as they are, one behind the other. Other fields, and other forms, go
/// field by field.
pub(super) fn merge_parts<M: Message>(
    message: &mut M,
    mut from: impl Buf,
    receive: impl Fn(&mut M, &mut Bytes) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut rest = from.copy_to_bytes(from.remaining());
    while rest.has_remaining() {
        receive(message, &mut rest)?;
        if rest.has_remaining() {
            let (field, wire_type) = decode_key(&mut rest)?;
            message.merge_field(field, wire_type, &mut rest, DecodeContext::default())?;
        }
    }
    Ok(())
}

//! Fields of messages, as protobuf writes them: a key, and then a number or a length with so many bytes behind it.

use prost::encoding::encoded_len_varint;

/// The length of a length with its key.
pub(super) fn length_len(len: usize) -> usize {
    1 + encoded_len_varint(len as u64)
}

pub(super) fn put_length(out: &mut Vec<u8>, key: u8, len: usize) {
    out.push(key);
    put_varint(out, len as u64);
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

/// The length of a time to live with its key. 0 is not left out: it is not the same as none.
pub(super) fn ttl_len(ttl_ms: Option<i64>) -> usize {
    ttl_ms.map_or(0, |ttl_ms| 1 + encoded_len_varint(ttl_ms.cast_unsigned()))
}

pub(super) fn put_ttl(out: &mut Vec<u8>, key: u8, ttl_ms: Option<i64>) {
    if let Some(ttl_ms) = ttl_ms {
        out.push(key);
        put_varint(out, ttl_ms.cast_unsigned());
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

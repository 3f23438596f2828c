//! Strings in Redis's snapshot format: the forms that a value can take, and the shortest that it does.
//!
//! ```text
//! 00llllll                    l bytes follow
//! 01llllll llllllll           the same, with a length of 14 bits
//! 10000000 u32, 10000001 u64  the same, big-endian
//! 11000000 i8, 11000001 i16, 11000010 i32   the text of a number, little-endian
//! 11000011 c l                c bytes follow, compressed with LZF from l; both are lengths as above
//! ```

use std::borrow::Cow;

use super::lzf;
use super::payload::PayloadError;

/// Up to this length a value is not compressed, as in Redis.
const PLAIN_BYTES_MAX: usize = 20;

/// From this length on a value is not compressed either: a thread would be busy for milliseconds.
const COMPRESSED_BYTES_MAX: usize = 1 << 20;

const INT8: u8 = 0xc0;
const INT16: u8 = 0xc1;
const INT32: u8 = 0xc2;
const COMPRESSED: u8 = 0xc3;

const LENGTH_32: u8 = 0x80;
const LENGTH_64: u8 = 0x81;

/// Appends a value.
pub(super) fn encode(value: &[u8], output: &mut Vec<u8>) {
    if let Some(number) = kv_resp::integer(value).and_then(|number| i32::try_from(number).ok()) {
        return encode_number(number, output);
    }
    if value.len() > PLAIN_BYTES_MAX
        && value.len() <= COMPRESSED_BYTES_MAX
        && let Some(compressed) = lzf::compress(value, value.len() - 4)
    {
        output.push(COMPRESSED);
        encode_length(compressed.len(), output);
        encode_length(value.len(), output);
        return output.extend_from_slice(&compressed);
    }
    encode_length(value.len(), output);
    output.extend_from_slice(value);
}

fn encode_number(number: i32, output: &mut Vec<u8>) {
    if let Ok(number) = i8::try_from(number) {
        output.push(INT8);
        output.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        output.push(INT16);
        output.extend_from_slice(&number.to_le_bytes());
    } else {
        output.push(INT32);
        output.extend_from_slice(&number.to_le_bytes());
    }
}

fn encode_length(len: usize, output: &mut Vec<u8>) {
    let [.., high, low] = len.to_be_bytes();
    if len < 1 << 6 {
        output.push(low);
    } else if len < 1 << 14 {
        output.extend([0x40 | high, low]);
    } else if let Ok(len) = u32::try_from(len) {
        output.push(LENGTH_32);
        output.extend_from_slice(&len.to_be_bytes());
    } else {
        output.push(LENGTH_64);
        output.extend_from_slice(&(len as u64).to_be_bytes());
    }
}

/// Reads a value, and tells what follows it. A compressed one takes memory up to `value_bytes_max`.
pub(super) fn decode(
    input: &[u8],
    value_bytes_max: usize,
) -> Result<(Cow<'_, [u8]>, &[u8]), PayloadError> {
    let mut input = input;
    let number = |number: i32| Cow::Owned(number.to_string().into_bytes());
    let value = match input.first() {
        Some(&INT8) => number(i8::from_le_bytes(take_after_kind(&mut input)?).into()),
        Some(&INT16) => number(i16::from_le_bytes(take_after_kind(&mut input)?).into()),
        Some(&INT32) => number(i32::from_le_bytes(take_after_kind(&mut input)?)),
        Some(&COMPRESSED) => {
            let [] = take_after_kind(&mut input)?;
            let (compressed, len) = (decode_length(&mut input)?, decode_length(&mut input)?);
            let compressed = take(&mut input, compressed)?;
            if len > value_bytes_max {
                return Err(PayloadError::TooLong);
            }
            let value = lzf::decompress(compressed, len);
            Cow::Owned(value.map_err(|lzf::Malformed| PayloadError::Malformed)?)
        }
        _ => {
            let len = decode_length(&mut input)?;
            Cow::Borrowed(take(&mut input, len)?)
        }
    };
    Ok((value, input))
}

fn decode_length(input: &mut &[u8]) -> Result<usize, PayloadError> {
    let [first] = take_array(input)?;
    let len = match first {
        LENGTH_32 => u32::from_be_bytes(take_array(input)?).into(),
        LENGTH_64 => u64::from_be_bytes(take_array(input)?),
        short if short >> 6 == 0 => u64::from(short),
        high if high >> 6 == 1 => {
            let [low] = take_array(input)?;
            u64::from(u16::from_be_bytes([high & 0x3f, low]))
        }
        _ => return Err(PayloadError::Malformed),
    };
    usize::try_from(len).map_err(|_too_long| PayloadError::Malformed)
}

/// Skips the first byte and takes so many after it.
fn take_after_kind<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], PayloadError> {
    let [_kind] = take_array(input)?;
    take_array(input)
}

fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], PayloadError> {
    let (array, rest) = input.split_first_chunk().ok_or(PayloadError::Malformed)?;
    *input = rest;
    Ok(*array)
}

fn take<'a>(input: &mut &'a [u8], len: usize) -> Result<&'a [u8], PayloadError> {
    input.split_off(..len).ok_or(PayloadError::Malformed)
}

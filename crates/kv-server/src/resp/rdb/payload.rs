//! One value with what says how to read it, and that it is whole.

use std::borrow::Cow;

use super::crc64::crc64;
use super::string;

/// The kind of value that a string is.
const STRING: u8 = 0;

/// The version that is written: that of Redis 7.0. Strings have looked the same since long before, and who is
/// newer reads it too.
const VERSION_WRITTEN: u16 = 10;

/// The newest version that is read: that of Redis 7.2.
const VERSION_MAX: u16 = 11;

/// Why a payload cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadError {
    /// Its end does not say that it is whole, or it is of a newer version.
    Checksum,
    /// It is whole, but no string.
    Malformed,
    /// The value is longer than any may be.
    TooLong,
}

/// The payload of a value.
pub(crate) fn encode(value: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(value.len() + 20);
    payload.push(STRING);
    string::encode(value, &mut payload);
    payload.extend_from_slice(&VERSION_WRITTEN.to_le_bytes());
    payload.extend_from_slice(&crc64(&payload).to_le_bytes());
    payload
}

/// The value of a payload.
pub(crate) fn decode(
    payload: &[u8],
    value_bytes_max: usize,
) -> Result<Cow<'_, [u8]>, PayloadError> {
    let (rest, checksum) = payload.split_last_chunk().ok_or(PayloadError::Checksum)?;
    let (body, version) = rest.split_last_chunk().ok_or(PayloadError::Checksum)?;
    let is_known = u16::from_le_bytes(*version) <= VERSION_MAX;
    if !is_known || crc64(rest) != u64::from_le_bytes(*checksum) {
        return Err(PayloadError::Checksum);
    }
    let Some((&STRING, body)) = body.split_first() else { return Err(PayloadError::Malformed) };
    let (value, rest) = string::decode(body, value_bytes_max)?;
    if !rest.is_empty() {
        return Err(PayloadError::Malformed);
    }
    if value.len() > value_bytes_max {
        return Err(PayloadError::TooLong);
    }
    Ok(value)
}

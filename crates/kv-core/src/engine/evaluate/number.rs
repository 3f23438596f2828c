//! Values that are numbers.

use std::borrow::Cow;

use bytes::Bytes;

use super::{Plan, Verdict, View};
use crate::engine::stored::Stored;
use crate::error::StoreError;
use crate::types::{Extended, FLOAT_TEXT_BYTES_MAX, Payload};

/// The longest text of a 64-bit number: no longer value is looked into.
const INTEGER_BYTES_MAX: usize = "-9223372036854775808".len();

/// Adds to a 64-bit number.
pub(super) fn increment<'a>(delta: i64, view: Option<View<'_>>) -> Result<Verdict<'a>, StoreError> {
    let present = view.map_or(Ok(0), |view| stored_integer(view.value))?;
    let sum = present.checked_add(delta).ok_or(StoreError::IntegerOverflow { present, delta })?;
    let value = Cow::Owned(sum.to_string().into_bytes());
    let expiry = view.and_then(|view| view.expiry);
    Ok(Verdict::change(Plan::Put { value, expiry }, Payload::Number(sum)))
}

fn stored_integer(value: Stored<'_>) -> Result<i64, StoreError> {
    if value.len() > INTEGER_BYTES_MAX {
        return Err(StoreError::NotAnInteger);
    }
    parse_integer(&value.text())
}

/// Parses what increment itself would have written: no plus sign, spaces or leading zeros, as in Redis.
fn parse_integer(text: &[u8]) -> Result<i64, StoreError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    std::str::from_utf8(text)
        .ok()
        .filter(|_| canonical)
        .and_then(|text| text.parse().ok())
        .ok_or(StoreError::NotAnInteger)
}

/// Whether increment would take a value.
pub(crate) fn is_integer(value: Stored<'_>) -> bool {
    stored_integer(value).is_ok()
}

/// Adds to a number in extended precision.
pub(super) fn increment_float<'a>(
    delta: Extended,
    view: Option<View<'_>>,
) -> Result<Verdict<'a>, StoreError> {
    let present = view.map_or(Ok(Extended::ZERO), |view| stored_float(view.value))?;
    let sum = present.checked_add(delta).ok_or(StoreError::FloatOverflow)?;
    let text = sum.to_string();
    let payload = Payload::Value(Bytes::copy_from_slice(text.as_bytes()).into());
    let expiry = view.and_then(|view| view.expiry);
    Ok(Verdict::change(Plan::Put { value: Cow::Owned(text.into_bytes()), expiry }, payload))
}

fn stored_float(value: Stored<'_>) -> Result<Extended, StoreError> {
    if value.len() > FLOAT_TEXT_BYTES_MAX {
        return Err(StoreError::NotAFloat);
    }
    Extended::parse(&value.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_integers_count() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("+1", None),
            ("01", None),
            ("-0", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("0x1", None),
        ] {
            assert_eq!(parse_integer(text.as_bytes()).ok(), value, "{text:?}");
        }
    }
}

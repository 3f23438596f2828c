//! Bytes as hexadecimal digits.

use std::fmt::Write;

/// Two lower-case digits per byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes all that is written");
    }
    text
}

/// The bytes behind digits of either case.
pub(crate) fn decode(digits: &[u8]) -> Result<Vec<u8>, String> {
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} hex digits: an even number is needed", digits.len()));
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let mut byte = 0;
        for digit in pair {
            let value = char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            let value = value.ok_or_else(|| {
                format!("{:?} is no hex digit: 0-9 and a-f are allowed", char::from(*digit))
            })?;
            byte = byte << 4 | value;
        }
        bytes.push(byte);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(bytes: Vec<u8>) {
            prop_assert_eq!(decode(encode(&bytes).as_bytes()), Ok(bytes));
        }
    }

    #[test]
    fn what_is_not_hex_is_refused_with_what_is_allowed() {
        let check = |digits: &str, expected: Result<&[u8], &str>| {
            let expected = expected.map(<[u8]>::to_vec).map_err(str::to_owned);
            assert_eq!(decode(digits.as_bytes()), expected, "{digits}");
        };
        check("", Ok(b""));
        check("00fFA0", Ok(&[0, 255, 160]));
        check("0", Err("1 hex digits: an even number is needed"));
        check("0g", Err("'g' is no hex digit: 0-9 and a-f are allowed"));
        check("+1", Err("'+' is no hex digit: 0-9 and a-f are allowed"));
    }
}

//! Percent-encoding: what stands in paths and queries for bytes that cannot.

use std::borrow::Cow;

use super::problem::{Problem, Reason};

/// Decodes part of a path: `%XX` is a byte, everything else stands for itself.
pub(super) fn decode_path(text: &str) -> Result<Cow<'_, [u8]>, Problem> {
    decode(text, Plus::IsPlus).map_err(|at| malformed(Reason::BadPath, text, at))
}

/// Decodes part of a query: as in a path, and `+` is a space, which is what HTML forms and most client
/// libraries write.
pub(super) fn decode_query(text: &str) -> Result<Cow<'_, [u8]>, Problem> {
    decode(text, Plus::IsSpace).map_err(|at| malformed(Reason::BadQuery, text, at))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    IsPlus,
    IsSpace,
}

/// The bytes that the text stands for, or where it stops making sense.
fn decode(text: &str, plus: Plus) -> Result<Cow<'_, [u8]>, usize> {
    let bytes = text.as_bytes();
    let special = |byte: &u8| *byte == b'%' || (*byte == b'+' && plus == Plus::IsSpace);
    let Some(first) = bytes.iter().position(special) else {
        return Ok(Cow::Borrowed(bytes));
    };
    let (plain, mut rest) = bytes.split_at(first);
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(plain);
    loop {
        rest = match rest {
            [] => return Ok(Cow::Owned(out)),
            [b'%', high, low, after @ ..] => {
                let (high, low) = (hex(*high), hex(*low));
                let byte = high.zip(low).map(|(high, low)| high << 4 | low);
                out.push(byte.ok_or(bytes.len() - rest.len())?);
                after
            }
            [b'%', ..] => return Err(bytes.len() - rest.len()),
            [b'+', after @ ..] if plus == Plus::IsSpace => {
                out.push(b' ');
                after
            }
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn malformed(reason: Reason, text: &str, at: usize) -> Problem {
    let shown: String = String::from_utf8_lossy(text.as_bytes().get(at..).unwrap_or_default())
        .chars()
        .take(3)
        .collect();
    Problem::new(
        reason,
        format!(
            "{shown:?} at byte {at} is not percent-encoding: % must be followed by two hexadecimal digits, \
             and a % itself is written %25"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_for_themselves_or_are_encoded() {
        for (text, path, query) in [
            ("", &b""[..], &b""[..]),
            ("greeting", b"greeting", b"greeting"),
            ("a%20b", b"a b", b"a b"),
            ("a+b", b"a+b", b"a b"),
            ("a%2Bb", b"a+b", b"a+b"),
            ("a%2fb/c", b"a/b/c", b"a/b/c"),
            ("%00%fF%C3%BC", b"\0\xff\xc3\xbc", b"\0\xff\xc3\xbc"),
            ("%25", b"%", b"%"),
            ("\u{fc}", b"\xc3\xbc", b"\xc3\xbc"),
            ("..", b"..", b".."),
        ] {
            assert_eq!(*decode_path(text).unwrap(), *path, "{text:?} in a path");
            assert_eq!(*decode_query(text).unwrap(), *query, "{text:?} in a query");
        }
    }

    #[test]
    fn what_is_cut_off_or_not_hexadecimal_is_refused_with_its_place() {
        for (text, at) in [("%", 0), ("a%", 1), ("ab%4", 2), ("%4g", 0), ("%20%g4", 3), ("%%20", 0)]
        {
            assert_eq!(decode(text, Plus::IsPlus), Err(at), "{text:?}");
            let problem = decode_path(text).unwrap_err();
            assert!(problem.detail().contains(&format!("byte {at} ")), "{}", problem.detail());
        }
        assert_eq!(decode_path("%").unwrap_err().reason(), Reason::BadPath);
        assert_eq!(decode_query("%").unwrap_err().reason(), Reason::BadQuery);
    }

    #[test]
    fn every_byte_survives() {
        let encoded = (0..=u8::MAX).map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(*decode_path(&encoded).unwrap(), *all);
    }
}

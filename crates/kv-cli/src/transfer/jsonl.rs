//! Lines of JSON objects: `{"key": "a", "value": "1"}`, with `ttl_ms` or `expires_at_ms` beside them
//! where a key ends. Bytes that are not UTF-8 are `{"base64": "..."}` instead of a string.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::row::{Expiry, Malformed, Row};
use crate::text::Text;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRow<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<u64>,
}

/// Reads a line.
pub(crate) fn parse(line: &Bytes) -> Result<Row, Malformed> {
    let row: JsonRow<'_> = serde_json::from_slice(line).map_err(|error| malformed(&error))?;
    let expiry = match (row.ttl_ms, row.expires_at_ms) {
        (Some(_), Some(_)) => return Err(Malformed::TwoExpiries),
        (Some(ttl), None) => Some(Expiry::Ttl(Duration::from_millis(ttl))),
        (None, at) => at.map(Expiry::At),
    };
    Ok(Row { key: bytes(row.key, line), value: bytes(row.value, line), expiry })
}

/// A file's lines are numbered elsewhere; to serde this is line 1.
fn malformed(error: &serde_json::Error) -> Malformed {
    Malformed::Json(error.to_string().replace(" at line 1 column ", " at column "))
}

/// Text without escapes is a slice of the line.
fn bytes(text: Text<'_>, line: &Bytes) -> Bytes {
    match text.0 {
        Cow::Borrowed(slice) => line.slice_ref(slice),
        Cow::Owned(bytes) => bytes.into(),
    }
}

/// Writes a line.
pub(crate) fn write(key: &[u8], value: &[u8], expires_at_ms: Option<u64>, out: &mut Vec<u8>) {
    let (key, value) = (Text::new(key), Text::new(value));
    let row = JsonRow { key, value, ttl_ms: None, expires_at_ms };
    serde_json::to_writer(&mut *out, &row).expect("strings and numbers go into any Vec");
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expected: Result<(&str, &[u8], Option<Expiry>), &str>) {
        let row = parse(&Bytes::copy_from_slice(line.as_bytes()));
        match (row, expected) {
            (Ok(row), Ok((key, value, expiry))) => {
                let expected =
                    Row { key: key.to_owned().into(), value: value.to_vec().into(), expiry };
                assert_eq!(row, expected, "{line}");
            }
            (Err(malformed), Err(expected)) => {
                assert!(malformed.to_string().contains(expected), "{line}: {malformed}");
            }
            (row, _) => panic!("{line}: {row:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn objects_are_read_or_refused_with_what_is_wrong() {
        let ttl = Some(Expiry::Ttl(Duration::from_millis(5)));
        check(r#"{"key":"a","value":"1"}"#, Ok(("a", b"1", None)));
        check(r#" {"value": "\u0000\n", "key": "a", "ttl_ms": 5 } "#, Ok(("a", b"\0\n", ttl)));
        let at = Some(Expiry::At(6));
        check(
            r#"{"key":"a","value":{"base64":"/wA="},"expires_at_ms":6}"#,
            Ok(("a", b"\xff\0", at)),
        );
        check("a\t1", Err("bad JSON: expected value at column 1"));
        check(r#"{"key":"a"}"#, Err("missing field `value`"));
        check(r#"{"key":"a","value":5}"#, Err(r#"expected a string or {"base64": "..."}"#));
        check(r#"{"key":"a","value":"1","ttl":5}"#, Err("unknown field `ttl`, expected one of"));
        check(r#"{"key":"a","value":"1","ttl_ms":-5}"#, Err("invalid value"));
        check(r#"{"key":"a","value":"1","ttl_ms":5,"expires_at_ms":6}"#, Err("give one of them"));
        check(r#"{"key":"a","value":"1"} x"#, Err("trailing characters"));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(key: Vec<u8>, value: Vec<u8>, expires_at_ms: Option<u64>) {
            let mut line = Vec::new();
            write(&key, &value, expires_at_ms, &mut line);
            prop_assert_eq!(line.pop(), Some(b'\n'));
            prop_assert!(!line.contains(&b'\n'));
            let expected =
                Row { key: key.into(), value: value.into(), expiry: expires_at_ms.map(Expiry::At) };
            prop_assert_eq!(parse(&line.into()), Ok(expected));
        }

        #[test]
        fn no_line_makes_the_parser_panic(line: Vec<u8>) {
            prop_assert!(parse(&line.into()).is_err());
        }
    }
}

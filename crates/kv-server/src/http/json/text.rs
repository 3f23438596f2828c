//! Bytes in JSON: a string where they are UTF-8, else an object with their base64 form.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// The only field of bytes that are no UTF-8.
const BASE64: &str = "base64";

/// Bytes to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a>(pub(super) &'a [u8]);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(BASE64, &BASE64_STANDARD.encode(self.0))?;
        map.end()
    }
}

/// Bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Read(pub(super) Bytes);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or {\"base64\": \"...\"} for bytes that are not UTF-8")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Read, E> {
        Ok(Read(Bytes::copy_from_slice(text.as_bytes())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Read, E> {
        Ok(Read(Bytes::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut read = None;
        while let Some(name) = map.next_key::<String>()? {
            if name != BASE64 {
                return Err(de::Error::unknown_field(&name, &[BASE64]));
            }
            if read.is_some() {
                return Err(de::Error::duplicate_field(BASE64));
            }
            let encoded: String = map.next_value()?;
            let bytes = BASE64_STANDARD
                .decode(encoded)
                .map_err(|error| de::Error::custom(format_args!("base64 is malformed: {error}")))?;
            read = Some(Read(Bytes::from(bytes)));
        }
        read.ok_or_else(|| de::Error::missing_field(BASE64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Option<Bytes> {
        serde_json::from_str::<Read>(json).ok().map(|read| read.0)
    }

    #[test]
    fn utf8_is_a_string_and_the_rest_base64() {
        for (bytes, json) in [
            (&b""[..], r#""""#),
            (b"hello", r#""hello""#),
            ("gr\u{fc}n \u{1f600}".as_bytes(), "\"gr\u{fc}n \u{1f600}\""),
            (b"a\0\"\n", r#""a\u0000\"\n""#),
            (b"\xff\x00", r#"{"base64":"/wA="}"#),
        ] {
            assert_eq!(serde_json::to_string(&Written(bytes)).unwrap(), json);
            assert_eq!(read(json).unwrap(), bytes, "{json}");
        }
        assert_eq!(read(r#"{"base64":"aGk="}"#).unwrap(), "hi", "may be UTF-8 too");
    }

    #[test]
    fn anything_else_is_refused() {
        for json in [
            "1",
            "null",
            "[]",
            "{}",
            r#"{"base64":1}"#,
            r#"{"base64":"aGk"}"#,
            r#"{"base64":"_w=="}"#,
            r#"{"base64":"","base64":""}"#,
            r#"{"base64":"","more":1}"#,
            r#"{"hex":"00"}"#,
            r#""\ud800""#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn every_value_survives(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let json = serde_json::to_string(&Written(&bytes)).unwrap();
            prop_assert_eq!(read(&json), Some(Bytes::from(bytes)));
        }
    }
}

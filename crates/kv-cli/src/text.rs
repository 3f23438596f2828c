//! Bytes in JSON: a string where they are UTF-8, else `{"base64": "..."}`.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Bytes as they are written to and read from JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a> Text<'a> {
    /// Text that borrows its bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &STANDARD.encode(&self.0))?;
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(r#"a string or {"base64": "..."}"#)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text::new(text.as_bytes()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.into_bytes())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let name: Option<Cow<'_, str>> = map.next_key()?;
        if name.as_deref() != Some("base64") {
            return Err(de::Error::custom(r#"expected a string or {"base64": "..."}"#));
        }
        let encoded: Cow<'_, str> = map.next_value()?;
        let bytes = STANDARD
            .decode(encoded.as_bytes())
            .map_err(|error| de::Error::custom(format!("bad base64: {error}")))?;
        if map.next_key::<Cow<'_, str>>()?.is_some() {
            return Err(de::Error::custom("nothing may stand beside \"base64\""));
        }
        Ok(Text(Cow::Owned(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_a_string_and_the_rest_base64() {
        let check = |bytes: &[u8], json: &str| {
            assert_eq!(serde_json::to_string(&Text::new(bytes)).unwrap(), json);
            assert_eq!(serde_json::from_str::<Text<'_>>(json).unwrap(), Text::new(bytes));
        };
        check(b"", r#""""#);
        check("grün\n\"\0".as_bytes(), r#""grün\n\"\u0000""#);
        check(b"\xff\x00", r#"{"base64":"/wA="}"#);
    }

    #[test]
    fn what_is_neither_is_refused_with_what_is_allowed() {
        let check = |json: &str, expected: &str| {
            let error = serde_json::from_str::<Text<'_>>(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        };
        check("5", r#"expected a string or {"base64": "..."}"#);
        check("null", r#"expected a string or {"base64": "..."}"#);
        check("{}", r#"expected a string or {"base64": "..."}"#);
        check(r#"{"hex":"00"}"#, r#"expected a string or {"base64": "..."}"#);
        check(r#"{"base64":"!"}"#, "bad base64");
        check(r#"{"base64":"","x":1}"#, "nothing may stand beside");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>) {
            let json = serde_json::to_string(&Text::new(&bytes)).unwrap();
            prop_assert!(!json.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Text<'_>>(&json).unwrap(), Text::new(&bytes));
        }
    }
}

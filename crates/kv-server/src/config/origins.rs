//! Origins of web pages, as browsers name them.

use std::sync::Arc;

use super::setting::{Setting, quote};

/// The origins whose pages a browser lets use the HTTP API: none, some, or all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// Sorted as they were given.
    listed: Arc<[String]>,
    all: bool,
}

impl Origins {
    /// Whether no origin is allowed.
    pub fn is_empty(&self) -> bool {
        !self.all && self.listed.is_empty()
    }

    /// Whether pages of this origin are allowed.
    pub fn allows(&self, origin: &str) -> bool {
        self.all || self.listed.iter().any(|listed| listed == origin)
    }
}

impl Setting for Origins {
    fn allowed() -> String {
        "empty for none, * for all, or origins as browsers write them, with commas between, such as \
         https://app.example, http://localhost:3000"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "" => Some(Self::default()),
            "*" => Some(Self { all: true, ..Self::default() }),
            list => {
                let origins = list.split(',').map(|origin| parse_origin(origin.trim()));
                Some(Self { listed: origins.collect::<Option<_>>()?, all: false })
            }
        }
    }

    fn to_toml(&self) -> String {
        let text = if self.all { "*".to_owned() } else { self.listed.join(", ") };
        quote(&text)
    }
}

/// Scheme, host, and a port where it is not the usual one: no path, not even `/`, and in lower case, because
/// browsers compare them letter by letter.
fn parse_origin(text: &str) -> Option<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let is_host_byte =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_host_byte)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::setting::check;
    use super::*;

    #[test]
    fn origins_are_none_all_or_a_list() {
        check::<Origins>(
            &[
                ("", "\"\""),
                ("*", "\"*\""),
                ("https://app.example", "\"https://app.example\""),
                (
                    " http://localhost:3000,https://[::1]:1 ",
                    "\"http://localhost:3000, https://[::1]:1\"",
                ),
            ],
            &[
                "app.example",
                "https://",
                "https://App.example",
                "https://app.example/",
                "https://app.example,",
                "*, https://app.example",
                "ftp://app.example",
                "null",
            ],
        );
    }

    #[test]
    fn an_origin_is_allowed_letter_by_letter() {
        let origins = Origins::parse("https://app.example, http://localhost:3000").unwrap();
        assert!(origins.allows("https://app.example") && origins.allows("http://localhost:3000"));
        for other in ["https://app.example:443", "http://app.example", "https://b.example", ""] {
            assert!(!origins.allows(other), "{other}");
        }
        assert!(Origins::parse("*").unwrap().allows("null"));
        assert!(Origins::default().is_empty() && !origins.is_empty());
    }
}

//! One configuration value: how it is read from text, what is allowed, and how it is written as TOML.

/// A type that a configuration key may have.
///
/// Every source gives text (`1024` in a file and `"1024"` in the environment are the same), so that a
/// value means the same wherever it comes from.
pub(crate) trait Setting: Sized {
    /// What is allowed, to end the sentence "must be ...".
    fn allowed() -> String;

    /// Reads a value; `None` when it is not allowed.
    fn parse(text: &str) -> Option<Self>;

    /// The value as a TOML literal that parses back to it.
    fn to_toml(&self) -> String;
}

/// Quotes text as a TOML basic string.
pub(crate) fn quote(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// Proves for a setting that `good` texts parse to the TOML given and back, and that `bad` texts do not.
#[cfg(test)]
pub(crate) fn check<T: Setting>(good: &[(&str, &str)], bad: &[&str]) {
    for (text, toml) in good {
        let value = T::parse(text).unwrap_or_else(|| panic!("{text:?} is refused"));
        assert_eq!(value.to_toml(), *toml, "of {text:?}");
        let again = T::parse(toml.trim_matches('"')).expect("its own TOML parses");
        assert_eq!(again.to_toml(), *toml, "of {text:?}, written and read again");
    }
    for text in bad {
        assert!(T::parse(text).is_none(), "{text:?} is accepted");
    }
    assert!(!T::allowed().is_empty());
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quoted_text_is_toml() {
        assert_eq!(quote("./kv-data"), r#""./kv-data""#);
        assert_eq!(quote("a\"b\\c\n"), r#""a\"b\\c\u000A""#);
    }
}

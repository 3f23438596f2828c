//! Every Rust file says in its first line what it owns.

use crate::finding::Finding;

pub(super) fn check(path: &str, text: &str) -> Option<Finding> {
    let has_header = text.strip_prefix("//! ").is_some_and(|header| !header.starts_with('\n'));
    (!has_header)
        .then(|| Finding::at_line(path, 1, "the first line must be `//! ` and what this file owns"))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn the_first_line_is_a_header() {
        let cases = [
            ("//! Owns the clock.\nuse std;\n", true),
            ("use std;\n//! Owns the clock.\n", false),
            ("\n//! Owns the clock.\n", false),
            ("/// Owns the clock.\n", false),
            ("//! \nuse std;\n", false),
            ("", false),
        ];
        for (text, is_fine) in cases {
            assert_eq!(check("a.rs", text).is_none(), is_fine, "{text:?}");
        }
    }
}

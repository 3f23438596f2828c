//! Bytes for people's eyes: text as it is, everything else escaped so that the bytes can be told.

use std::fmt::Write;

/// Shows printable UTF-8 as it is, `\` as `\\`, newline, return and tab as `\n`, `\r` and `\t`, and
/// every other byte as `\x` and two digits. No two byte strings look the same.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape_char(character, &mut text);
        }
        escape_bytes(chunk.invalid(), &mut text);
    }
    text
}

fn escape_char(character: char, text: &mut String) {
    match character {
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        character if is_invisible(character) => {
            escape_bytes(character.encode_utf8(&mut [0; 4]).as_bytes(), text);
        }
        character => text.push(character),
    }
}

/// Control characters, and those that steer the direction or width of the text around them: with
/// them a key could pretend to be another, or a value could take over the terminal.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn escape_bytes(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        write!(text, "\\x{byte:02x}").expect("a String takes all that is written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(escape(bytes), expected);
    }

    #[test]
    fn text_stays_and_the_rest_is_escaped() {
        check(b"", "");
        check(b"hello, \"world\"", "hello, \"world\"");
        check("grün 🦀".as_bytes(), "grün 🦀");
        check(b"a\tb\nc\rd\\e", "a\\tb\\nc\\rd\\\\e");
        check(b"\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f");
        check(b"\xff\xc3(", "\\xff\\xc3(");
        check("\u{85}\u{202e}".as_bytes(), "\\xc2\\x85\\xe2\\x80\\xae");
    }

    proptest! {
        #[test]
        fn different_bytes_look_different(one: Vec<u8>, other: Vec<u8>) {
            prop_assert_eq!(escape(&one) == escape(&other), one == other);
        }

        #[test]
        fn nothing_reaches_the_terminal_that_could_steer_it(bytes: Vec<u8>) {
            prop_assert!(!escape(&bytes).chars().any(is_invisible));
        }
    }
}

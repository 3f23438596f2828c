//! Inline commands: a line of words, quoted as in a shell.

use super::batch::Span;

/// The words have quotes that do not close, or something follows a closing quote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnbalancedQuotes;

/// Appends the words of `line`, without quotes and escapes, to `text`, and where each stands to `words`.
///
/// Rules and oddities are those of Redis: `"..."` knows `\n \r \t \b \a \xHH` and `\` before anything else,
/// `'...'` knows `\'` alone, and a quote may open in the middle of a word but not close there. Unlike there, a
/// zero byte is a byte like others.
pub(super) fn split(
    line: &[u8],
    text: &mut Vec<u8>,
    words: &mut Vec<Span>,
) -> Result<(), UnbalancedQuotes> {
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && is_space(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let start = text.len();
        rest = word(rest, text)?;
        words.push(Span { start, len: text.len() - start });
    }
}

/// Appends the first word of `rest`, and gives back what follows it.
fn word<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    while let [first, tail @ ..] = rest {
        match first {
            b' ' | b'\n' | b'\r' | b'\t' => return Ok(tail),
            b'"' => return closed(double_quoted(tail, text)?),
            b'\'' => return closed(single_quoted(tail, text)?),
            _ => text.push(*first),
        }
        rest = tail;
    }
    Ok(rest)
}

/// Appends up to the closing `"`, and gives back what follows it.
fn double_quoted<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                text.push(hex_digit(*high) << 4 | hex_digit(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                text.push(unescaped(*escaped));
                tail
            }
            [byte, tail @ ..] => {
                text.push(*byte);
                tail
            }
        };
    }
}

/// Appends up to the closing `'`, and gives back what follows it.
fn single_quoted<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\'', tail @ ..] => return Ok(tail),
            [b'\\', b'\'', tail @ ..] => {
                text.push(b'\'');
                tail
            }
            [byte, tail @ ..] => {
                text.push(*byte);
                tail
            }
        };
    }
}

/// What follows a closing quote: nothing, or a space.
fn closed(rest: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match rest {
        [first, ..] if !is_space(*first) => Err(UnbalancedQuotes),
        _ => Ok(rest),
    }
}

/// As C's `isspace`: `\x0b` and `\x0c` too, which do not end a word but are passed over before one.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let (mut text, mut spans) = (b"before".to_vec(), Vec::new());
        split(line, &mut text, &mut spans).ok()?;
        let word = |span: &Span| text[span.start..span.start + span.len].to_vec();
        Some(spans.iter().map(word).collect())
    }

    fn check(line: &str, expected: &[&[u8]]) {
        let expected: Vec<Vec<u8>> = expected.iter().map(|word| word.to_vec()).collect();
        assert_eq!(words(line.as_bytes()), Some(expected), "{line:?}");
    }

    #[test]
    fn words_are_split_at_spaces() {
        check("", &[]);
        check(" \t \x0b\x0c\r ", &[]);
        check("PING", &[b"PING"]);
        check("  SET  k\tv  ", &[b"SET", b"k", b"v"]);
        check("a\x0bb \x0bc", &[b"a\x0bb", b"c"]);
        check("a\0b", &[b"a\0b"]);
    }

    #[test]
    fn quotes_keep_spaces_and_escapes() {
        check(r#"SET "a b" 'c d'"#, &[b"SET", b"a b", b"c d"]);
        check(r#""" ''"#, &[b"", b""]);
        check(r#""\n\r\t\b\a\\\"\q\x41\xfF\xg1\x""#, &[b"\n\r\t\x08\x07\\\"qA\xffxg1x"]);
        check(r"'\n\'\x41\z'", &[b"\\n'\\x41\\z"]);
        check(r#"foo"bar" x'y z'"#, &[b"foobar", b"xy z"]);
        check("\"a\"\x0bb", &[b"a", b"b"]);
    }

    #[test]
    fn quotes_must_close_before_a_space() {
        for line in ["\"", "'", "\"a", "'a", "\"a\\\"", "'a\\'", "\"a\"b", "'a'b", "'a''b'", "\"\\"]
        {
            assert_eq!(words(line.as_bytes()), None, "{line:?}");
        }
    }
}

//! Patterns as `KEYS` and `SCAN` know them: `*`, `?`, `[a-c]`, `[^a]` and `\`.

/// Whether a text matches a pattern.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    search(pattern, text, |byte| byte)
}

/// The same without regard to case.
pub(crate) fn matches_any_case(pattern: &[u8], text: &[u8]) -> bool {
    search(pattern, text, |byte| byte.to_ascii_lowercase())
}

/// What every text begins with that matches.
pub(crate) fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let end = pattern.iter().position(|byte| b"*?[\\".contains(byte));
    pattern.get(..end.unwrap_or(pattern.len())).unwrap_or_default()
}

/// Takes time in proportion to the lengths of both together at least, and multiplied at most: a `*` that has
/// matched once is never tried again at an earlier place, because a later `*` can take whatever it could.
fn search(pattern: &[u8], text: &[u8], fold: impl Fn(u8) -> u8 + Copy) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on when what follows the last `*` does not match: behind it, one byte further on.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            pattern = rest;
            if pattern.is_empty() {
                return true;
            }
            retry = Some((pattern, text));
            continue;
        }
        let matched = match (pattern, text) {
            ([], []) => return true,
            (_, []) | ([], _) => None,
            (_, [byte, rest @ ..]) => one(pattern, *byte, fold).map(|pattern| (pattern, rest)),
        };
        (pattern, text) = match (matched, retry) {
            (Some(next), _) => next,
            (None, Some((behind, [_, rest @ ..]))) => {
                retry = Some((behind, rest));
                (behind, rest)
            }
            (None, _) => return false,
        };
    }
}

/// What is left of the pattern, if its first part matches a byte.
fn one(pattern: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', class @ ..] => {
            let (is_in, rest) = class_has(class, byte, fold);
            is_in.then_some(rest)
        }
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => {
            (fold(*literal) == fold(byte)).then_some(rest)
        }
        [] => None,
    }
}

/// Whether a class, without its opening bracket, has a byte, and what follows the class. One that does not close
/// goes to the end.
fn class_has(class: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> (bool, &[u8]) {
    let (is_negated, mut class) = match class {
        [b'^', rest @ ..] => (true, rest),
        class => (false, class),
    };
    let byte = fold(byte);
    let mut is_in = false;
    loop {
        class = match class {
            [] => return (is_in != is_negated, class),
            [b']', rest @ ..] => return (is_in != is_negated, rest),
            [b'\\', literal, rest @ ..] => {
                is_in |= fold(*literal) == byte;
                rest
            }
            [first, b'-', last, rest @ ..] => {
                let (first, last) = (fold(*first), fold(*last));
                is_in |= (first.min(last)..=first.max(last)).contains(&byte);
                rest
            }
            [literal, rest @ ..] => {
                is_in |= fold(*literal) == byte;
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("?", "", false),
            ("?", "a", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h*llo", "hll", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxac", false),
            ("a*", "b", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h[a-b]llo", "hcllo", false),
            ("h[\\]]llo", "h]llo", true),
            ("h[a", "ha", true),
            ("h[a", "hb", false),
            ("h[", "h[", false),
            ("[^", "a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("[a-", "-", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(matches_any_case(b"CONFIG*", b"config|get") && !matches(b"CONFIG*", b"config|get"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let (pattern, text) = ("a*".repeat(200), "a".repeat(20_000));
        assert!(!matches(format!("{pattern}b").as_bytes(), text.as_bytes()));
    }
}

//! Blanks comments and literals, so that checks can look for words in code alone.
//!
//! This is not a parser: it knows where comments, strings and characters begin and end, no more.

/// Puts spaces in the place of comments and literals. Lines and columns stay.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_name = false;
    while let Some(first) = rest.chars().next() {
        let blank = blank_length(rest, after_name);
        let (part, remainder) = rest.split_at(blank.max(first.len_utf8()));
        if blank == 0 {
            masked.push(first);
        } else {
            masked.extend(part.chars().map(|each| if each == '\n' { '\n' } else { ' ' }));
        }
        after_name = first.is_alphanumeric() || first == '_';
        rest = remainder;
    }
    masked
}

/// The length of the comment or literal at the start of `rest`; 0 where there is code.
fn blank_length(rest: &str, after_name: bool) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_length(rest)
    } else if rest.starts_with('"') {
        quoted_length(rest, '"')
    } else if rest.starts_with('\'') {
        character_length(rest)
    } else if after_name {
        0
    } else {
        raw_string_length(rest)
    }
}

/// Block comments nest.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut position = 0;
    while let Some(tail) = rest.get(position..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// From a quotation mark to the next that no backslash precedes.
fn quoted_length(rest: &str, mark: char) -> usize {
    let mut is_escaped = false;
    for (position, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == mark => return position + mark.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` and `'\n'` are literals; `'a` is a lifetime, and code.
fn character_length(rest: &str) -> usize {
    let mut characters = rest.chars().skip(1);
    match (characters.next(), characters.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted_length(rest, '\''),
        _ => 0,
    }
}

/// `r"..."` and `r#"..."#` with any number of `#`, also as bytes and C strings.
fn raw_string_length(rest: &str) -> usize {
    let opening = ["r", "br", "cr"].iter().find_map(|prefix| rest.strip_prefix(prefix));
    let Some(opening) = opening else { return 0 };
    let hashes = opening.len() - opening.trim_start_matches('#').len();
    let Some(body) = opening.trim_start_matches('#').strip_prefix('"') else {
        return 0;
    };
    let closing = format!("\"{}", "#".repeat(hashes));
    let before_body = rest.len() - body.len();
    body.find(&closing).map_or(rest.len(), |position| before_body + position + closing.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(mask(text), expected, "{text}");
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ \n */ d", "a              \n    d");
        check("/* open", "       ");
        check(r#"f("a\"b", c)"#, "f(      , c)");
        check("f(\"a\nb\")", "f(  \n  )");
        check(r##"f(r#"a"b"#, br"c")"##, "f(        ,      )");
        check(r#"f(b"a", c"b")"#, "f(b   , c   )");
        check("\"\u{e4}\" // \u{e4}", "        ");
    }

    #[test]
    fn lifetimes_and_names_are_code() {
        check(r"f::<'a>('b', '\'', '\u{1}')", "f::<'a>(   ,     ,        )");
        check("&'static str", "&'static str");
        check("for r in bar", "for r in bar");
        check("r#match + var\"a\"", "r#match + var   ");
    }
}

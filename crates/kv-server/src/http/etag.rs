//! Entity tags: a key's version in quotes, and the lists of them in `If-Match` and `If-None-Match`.
//!
//! The value itself has a strong tag, `"VERSION"`. Its JSON and Protobuf forms also tell the remaining time to
//! live, which changes without the version, so that theirs is weak: `W/"VERSION"`.

use bytes::Bytes;
use hyper::header::HeaderValue;
use kv_core::Version;

use super::limits::ETAGS_MAX;
use super::problem::{Problem, Reason};

/// The tag of a value.
pub(super) fn strong(version: Version) -> HeaderValue {
    tag("\"", version)
}

/// The tag of a form of the value that also tells other things.
pub(super) fn weak(version: Version) -> HeaderValue {
    tag("W/\"", version)
}

fn tag(start: &str, version: Version) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(version.get());
    let mut tag = Vec::with_capacity(start.len() + digits.len() + 1);
    tag.extend_from_slice(start.as_bytes());
    tag.extend_from_slice(digits.as_bytes());
    tag.push(b'"');
    // Digits and quotes are always a header's value.
    HeaderValue::from_maybe_shared(Bytes::from(tag)).unwrap_or(HeaderValue::from_static("\"\""))
}

/// An entity tag as a client sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ETag {
    weak: bool,
    /// `None` when it is no tag of this server, and so never matches.
    version: Option<Version>,
}

impl ETag {
    /// Reads one tag, and gives what follows it.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (weak, rest) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
        let (opaque, rest) = rest.strip_prefix('"')?.split_once('"')?;
        opaque.bytes().all(is_tag_byte).then(|| (Self { weak, version: version(opaque) }, rest))
    }

    /// Reads a header that is one tag and nothing else.
    pub(super) fn parse_whole(text: &str) -> Option<Self> {
        Self::parse(text).and_then(|(tag, rest)| rest.is_empty().then_some(tag))
    }

    /// The only version that it matches strongly.
    pub(super) fn strong_version(self) -> Option<Version> {
        self.version.filter(|_| !self.weak)
    }

    /// Whether both are strong and the same.
    pub(super) fn matches_strongly(self, present: Version) -> bool {
        !self.weak && self.matches_weakly(present)
    }

    /// Whether both are the same, strong or not.
    pub(super) fn matches_weakly(self, present: Version) -> bool {
        self.version == Some(present)
    }
}

/// What RFC 9110 allows between the quotes; bytes above 127 have become characters before.
fn is_tag_byte(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
}

/// The version of a tag as this server writes it: no sign, no zeros in front.
fn version(opaque: &str) -> Option<Version> {
    let canonical = opaque.bytes().all(|byte| byte.is_ascii_digit()) && !opaque.starts_with('0');
    opaque.parse().ok().filter(|_| canonical).map(Version::new)
}

/// The value of an `If-Match` or `If-None-Match` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ETags {
    /// `*`: whatever exists.
    Any,
    /// A list, which is not empty.
    List(Vec<ETag>),
}

impl ETags {
    /// Reads all lines of the header `name`. A header that is not understood is refused: without it, the
    /// request would do something else than its sender wants.
    pub(super) fn parse<'a>(
        name: &'static str,
        lines: impl Iterator<Item = &'a HeaderValue>,
    ) -> Result<Self, Problem> {
        let malformed = || {
            let allowed = "is *, or entity tags such as \"1795194075539001\", with commas between";
            Problem::new(
                Reason::BadHeader,
                format!("{name} is malformed: what is allowed {allowed}"),
            )
        };
        let (mut any, mut tags) = (false, Vec::new());
        for line in lines {
            let line = String::from_utf8_lossy(line.as_bytes());
            let mut rest = line.trim_matches([' ', '\t', ',']);
            if rest == "*" {
                any = true;
                continue;
            }
            while !rest.is_empty() {
                let (tag, after) = ETag::parse(rest).ok_or_else(malformed)?;
                tags.push(tag);
                let after = after.trim_start_matches([' ', '\t']);
                if !after.is_empty() && !after.starts_with(',') {
                    return Err(malformed());
                }
                rest = after.trim_start_matches([' ', '\t', ',']);
            }
        }
        match (any, tags.len()) {
            (true, 0) => Ok(Self::Any),
            (false, 1..=ETAGS_MAX) => Ok(Self::List(tags)),
            (false, given) if given > ETAGS_MAX => Err(Problem::new(
                Reason::BadHeader,
                format!("{name} has {given} entity tags: at most {ETAGS_MAX} are allowed"),
            )),
            _ => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(lines: &[&str]) -> Result<ETags, Problem> {
        let lines: Vec<_> =
            lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap()).collect();
        ETags::parse("If-Match", lines.iter())
    }

    fn tag(weak: bool, version: Option<u64>) -> ETag {
        ETag { weak, version: version.map(Version::new) }
    }

    #[test]
    fn lists_are_read_however_they_are_written() {
        let (one, two) = (tag(false, Some(1)), tag(true, Some(u64::MAX)));
        for lines in [
            &["\"1\",W/\"18446744073709551615\""][..],
            &["\"1\", W/\"18446744073709551615\""],
            &[" , \"1\"\t,, W/\"18446744073709551615\" ,"],
            &["\"1\"", "W/\"18446744073709551615\""],
            &["\"1\"", "", "W/\"18446744073709551615\""],
        ] {
            assert_eq!(parse(lines).unwrap(), ETags::List(vec![one, two]), "{lines:?}");
        }
        assert_eq!(parse(&["*"]).unwrap(), ETags::Any);
        assert_eq!(parse(&[" * "]).unwrap(), ETags::Any);
    }

    #[test]
    fn tags_that_are_no_versions_are_allowed_and_match_nothing() {
        for text in
            ["\"\"", "\"abc\"", "\"0\"", "\"01\"", "\"+1\"", "\"18446744073709551616\"", "\"a,b\""]
        {
            assert_eq!(parse(&[text]).unwrap(), ETags::List(vec![tag(false, None)]), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for lines in [
            &[][..],
            &[""],
            &[","],
            &["1"],
            &["\"1"],
            &["1\""],
            &["\"1\" \"2\""],
            &["\"1\"\"2\""],
            &["w/\"1\""],
            &["W/ \"1\""],
            &["W/1"],
            &["*", "\"1\""],
            &["\"1\", *"],
            &["**"],
            &["\"a b\""],
        ] {
            assert_eq!(parse(lines).unwrap_err().reason(), Reason::BadHeader, "{lines:?}");
        }
    }

    #[test]
    fn as_many_tags_as_allowed_and_not_one_more() {
        let most = vec!["\"1\""; ETAGS_MAX].join(",");
        assert!(parse(&[&most]).is_ok());
        let problem = parse(&[&most, "\"1\""]).unwrap_err();
        assert!(problem.detail().contains("at most 64"), "{}", problem.detail());
    }

    #[test]
    fn weak_tags_match_weakly_only() {
        let version = Version::new(7);
        assert!(tag(false, Some(7)).matches_strongly(version));
        assert!(!tag(true, Some(7)).matches_strongly(version));
        assert!(tag(true, Some(7)).matches_weakly(version));
        assert!(!tag(false, Some(8)).matches_weakly(version));
        assert!(!tag(false, None).matches_weakly(Version::NONE));
    }

    #[test]
    fn tags_are_written_as_they_are_read() {
        for version in [1, 10, u64::MAX].map(Version::new) {
            let written = strong(version);
            let read = ETag::parse_whole(written.to_str().unwrap()).unwrap();
            assert!(read.matches_strongly(version));
            let written = weak(version);
            let read = ETag::parse_whole(written.to_str().unwrap()).unwrap();
            assert!(read.matches_weakly(version) && !read.matches_strongly(version));
        }
        assert_eq!(strong(Version::new(42)), "\"42\"");
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(bytes in proptest::collection::vec(0x20..=0xff_u8, 0..64)) {
            if let Ok(line) = HeaderValue::from_bytes(&bytes) {
                let read = ETags::parse("If-Match", [&line].into_iter());
                prop_assert!(read.is_ok() || read.unwrap_err().reason() == Reason::BadHeader);
            }
        }
    }
}

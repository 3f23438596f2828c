//! `Range` and `If-Range`: one part of a value.

use std::ops::Range;

use hyper::header::{self, HeaderMap};
use kv_core::Version;

use super::etag::ETag;

/// Which part of a value is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes, which exist.
    Bytes(Range<usize>),
    /// Bytes that do not exist.
    Outside,
}

/// The part that a GET asks for of a value of this length and version.
///
/// What RFC 9110 lets a server ignore is ignored: other units, malformed ranges, several ranges at once. So is
/// a range of another version than `If-Range` names; dates in it name none.
pub(super) fn asked(headers: &HeaderMap, present: Version, length: usize) -> Part {
    let Some(range) = headers.get(header::RANGE) else {
        return Part::Whole;
    };
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| {
        let tag = tag.to_str().ok().and_then(ETag::parse_whole);
        tag.is_some_and(|tag| tag.matches_strongly(present))
    });
    let spec = range.to_str().ok().filter(|_| same).and_then(byte_range);
    spec.map_or(Part::Whole, |(first, last)| part(first, last, length))
}

/// Splits `bytes=FIRST-LAST`, of which one may be missing; `None` for what is not one well-formed range.
fn byte_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = text.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    if ![first, last].iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    match (number(first), number(last)) {
        (None, None) => None,
        (Some(first), Some(last)) if first > last => None,
        range => Some(range),
    }
}

/// A number, when there are digits. One too large for 64 bits is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
}

fn part(first: Option<u64>, last: Option<u64>, length: usize) -> Part {
    let clamped = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(length);
    let range = match (first, last) {
        (Some(first), last) => {
            clamped(first)..last.map_or(length, |last| clamped(last.saturating_add(1)))
        }
        (None, suffix) => length - clamped(suffix.unwrap_or(0))..length,
    };
    if range.is_empty() { Part::Outside } else { Part::Bytes(range) }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const VERSION: Version = Version::new(7);

    fn of(range: &str, if_range: Option<&str>, length: usize) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(if_range) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(if_range).unwrap());
        }
        asked(&headers, VERSION, length)
    }

    #[test]
    fn one_range_is_cut_to_what_exists() {
        for (range, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-9", 0..10),
            ("bytes=0-", 0..10),
            ("bytes=9-", 9..10),
            ("bytes=3-5", 3..6),
            ("bytes=3-99999999999999999999999", 3..10),
            ("bytes=0-18446744073709551615", 0..10),
            ("bytes=-1", 9..10),
            ("bytes=-10", 0..10),
            ("bytes=-11", 0..10),
            ("Bytes= 3-5 ", 3..6),
        ] {
            assert_eq!(of(range, None, 10), Part::Bytes(bytes), "{range}");
        }
    }

    #[test]
    fn ranges_outside_are_told_apart_from_those_that_are_ignored() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(of(range, None, 10), Part::Outside, "{range}");
        }
        for range in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(of(range, None, 0), Part::Outside, "{range} of nothing");
        }
        for range in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-3",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=1 - 2",
            "lines=0-1",
            "0-1",
        ] {
            assert_eq!(of(range, None, 10), Part::Whole, "{range}");
        }
    }

    #[test]
    fn if_range_lets_only_its_own_version_through() {
        let part = Part::Bytes(0..1);
        for (if_range, wanted) in [
            ("\"7\"", part),
            ("\"8\"", Part::Whole),
            ("W/\"7\"", Part::Whole),
            ("\"7\", \"8\"", Part::Whole),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(of("bytes=0-0", Some(if_range), 10), wanted, "{if_range}");
        }
    }

    #[test]
    fn without_a_range_all_is_asked_for() {
        assert_eq!(asked(&HeaderMap::new(), VERSION, 10), Part::Whole);
    }
}

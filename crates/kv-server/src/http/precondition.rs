//! `If-Match` and `If-None-Match`: what must hold of a key for a request to be answered or a write made.

use hyper::header::{self, HeaderMap};
use kv_core::{Condition, Version};

use super::etag::{ETag, ETags};
use super::problem::Problem;

/// The preconditions of one request. `If-Modified-Since` and `If-Unmodified-Since` are ignored, as RFC 9110
/// wants where nothing has a modification date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Preconditions {
    if_match: Option<ETags>,
    if_none_match: Option<ETags>,
}

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All hold.
    Holds,
    /// `If-Match` does not.
    NoMatch,
    /// `If-None-Match` does not.
    Match,
}

impl Preconditions {
    /// Reads them from a request's headers.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let read = |name, text| {
            let mut lines = headers.get_all(name).iter().peekable();
            lines.peek().is_some().then(|| ETags::parse(text, lines)).transpose()
        };
        let if_match = read(header::IF_MATCH, "If-Match")?;
        let if_none_match = read(header::IF_NONE_MATCH, "If-None-Match")?;
        Ok(Self { if_match, if_none_match })
    }

    /// Judges them for a key at this version, in the order of RFC 9110, section 13.2.2.
    pub(super) fn judge(&self, present: Option<Version>) -> Verdict {
        let matches = |tags: &ETags, matches: fn(ETag, Version) -> bool| match (tags, present) {
            (_, None) => false,
            (ETags::Any, Some(_)) => true,
            (ETags::List(tags), Some(present)) => tags.iter().any(|tag| matches(*tag, present)),
        };
        if self.if_match.as_ref().is_some_and(|tags| !matches(tags, ETag::matches_strongly)) {
            Verdict::NoMatch
        } else if self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| matches(tags, ETag::matches_weakly))
        {
            Verdict::Match
        } else {
            Verdict::Holds
        }
    }

    /// The condition of the engine that holds exactly when these do, where there is one.
    pub(super) fn condition(&self) -> Option<Condition<'static>> {
        match (&self.if_match, &self.if_none_match) {
            (None, None) => Some(Condition::None),
            (Some(ETags::Any), None) => Some(Condition::IfPresent),
            (None, Some(ETags::Any)) => Some(Condition::IfAbsent),
            (Some(ETags::List(tags)), None) => match tags.as_slice() {
                [tag] => tag.strong_version().map(Condition::IfVersion),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The condition that the key is as it was seen.
pub(super) fn unchanged(seen: Option<Version>) -> Condition<'static> {
    seen.map_or(Condition::IfAbsent, Condition::IfVersion)
}

/// The refusal of a request whose preconditions do not hold for a key at this version.
pub(super) fn refusal(verdict: Verdict, present: Option<Version>) -> Problem {
    let now = present.map_or_else(
        || "the key does not exist".to_owned(),
        |version| format!("the key is at version {version}"),
    );
    let rule = match verdict {
        Verdict::Holds | Verdict::NoMatch => {
            "If-Match wants one of its entity tags, compared strongly: a tag that begins with W/ never \
             matches"
        }
        Verdict::Match => "If-None-Match wants none of its entity tags",
    };
    Problem::precondition(present, format!("{now}, and {rule}"))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn read(if_match: Option<&str>, if_none_match: Option<&str>) -> Preconditions {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::IF_MATCH, if_match), (header::IF_NONE_MATCH, if_none_match)]
        {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        Preconditions::read(&headers).unwrap()
    }

    #[test]
    fn each_header_is_judged_for_absent_equal_and_other_versions() {
        use Verdict::{Holds, Match, NoMatch};
        for (if_match, if_none_match, absent, seven, eight) in [
            (None, None, Holds, Holds, Holds),
            (Some("*"), None, NoMatch, Holds, Holds),
            (Some("\"7\""), None, NoMatch, Holds, NoMatch),
            (Some("W/\"7\""), None, NoMatch, NoMatch, NoMatch),
            (Some("\"7\", \"8\""), None, NoMatch, Holds, Holds),
            (Some("\"x\""), None, NoMatch, NoMatch, NoMatch),
            (None, Some("*"), Holds, Match, Match),
            (None, Some("\"7\""), Holds, Match, Holds),
            (None, Some("W/\"7\""), Holds, Match, Holds),
            (None, Some("\"7\", W/\"8\""), Holds, Match, Match),
            (Some("\"7\""), Some("\"7\""), NoMatch, Match, NoMatch),
            (Some("*"), Some("\"7\""), NoMatch, Match, Holds),
        ] {
            let preconditions = read(if_match, if_none_match);
            let judged = [None, Some(7), Some(8)]
                .map(|version| preconditions.judge(version.map(Version::new)));
            assert_eq!(judged, [absent, seven, eight], "{if_match:?}, {if_none_match:?}");
        }
    }

    #[test]
    fn the_engine_judges_what_it_can() {
        assert_eq!(read(None, None).condition(), Some(Condition::None));
        assert_eq!(read(Some("*"), None).condition(), Some(Condition::IfPresent));
        assert_eq!(read(None, Some("*")).condition(), Some(Condition::IfAbsent));
        assert_eq!(read(Some("*"), Some("*")).condition(), None);
        let version = Condition::IfVersion(Version::new(7));
        assert_eq!(read(Some("\"7\""), None).condition(), Some(version));
        for if_match in ["W/\"7\"", "\"x\"", "\"7\", \"8\""] {
            assert_eq!(read(Some(if_match), None).condition(), None, "{if_match}");
        }
    }

    #[test]
    fn a_malformed_header_is_refused_by_its_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("7"));
        let problem = Preconditions::read(&headers).unwrap_err();
        assert!(problem.detail().contains("If-None-Match"), "{}", problem.detail());
    }
}

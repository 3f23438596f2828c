//! The names of the files in a data directory.

/// Which snapshots there are and where the log starts.
pub(crate) const MANIFEST: &str = "MANIFEST";

/// Locked by the server that uses the directory.
pub(crate) const LOCK: &str = "LOCK";

/// The end of the names of unfinished files.
pub(crate) const TEMP: &str = ".tmp";

/// The end of the names of files that were put aside.
pub(crate) const DAMAGED: &str = ".damaged";

const SEGMENT: Pattern = Pattern { prefix: "log-", suffix: ".kvl" };
const SPARE: Pattern = Pattern { prefix: "spare-", suffix: ".kvl" };
const SNAPSHOT: Pattern = Pattern { prefix: "snapshot-", suffix: ".kvs" };

/// Digits of an id in a name.
const ID_DIGITS: usize = 16;

/// A prefix, an id and a suffix.
struct Pattern {
    prefix: &'static str,
    suffix: &'static str,
}

impl Pattern {
    fn name(&self, id: u64) -> String {
        let Self { prefix, suffix } = self;
        format!("{prefix}{id:0ID_DIGITS$}{suffix}")
    }

    fn parse(&self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(self.prefix)?.strip_suffix(self.suffix)?;
        let is_id = digits.len() == ID_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { digits.parse().ok().filter(|id| *id > 0) } else { None }
    }
}

/// The name of a log segment.
pub(crate) fn segment_name(id: u64) -> String {
    SEGMENT.name(id)
}

/// The id in the name of a log segment.
pub(crate) fn parse_segment(name: &str) -> Option<u64> {
    SEGMENT.parse(name)
}

/// The name of a segment made in advance.
pub(crate) fn spare_name(number: u64) -> String {
    SPARE.name(number)
}

/// The number in the name of a segment made in advance.
pub(crate) fn parse_spare(name: &str) -> Option<u64> {
    SPARE.parse(name)
}

/// The name of a snapshot.
pub(crate) fn snapshot_name(id: u64) -> String {
    SNAPSHOT.name(id)
}

/// The id in the name of a snapshot.
pub(crate) fn parse_snapshot(name: &str) -> Option<u64> {
    SNAPSHOT.parse(name)
}

/// Whether a file is one that a crash kept the server from finishing. Whatever else is called `.tmp` belongs
/// to somebody else.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(TEMP).is_some_and(|whole| {
        whole == MANIFEST || parse_segment(whole).is_some() || parse_snapshot(whole).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_files_are_unfinished() {
        for own in [MANIFEST.to_owned(), segment_name(1), snapshot_name(7)] {
            assert!(is_unfinished(&format!("{own}{TEMP}")), "{own}");
            assert!(!is_unfinished(&own), "{own}");
        }
        for other in ["thesis.tmp", ".tmp", "LOCK.tmp", "log-1.kvl.tmp", "MANIFEST.tmp.tmp"] {
            assert!(!is_unfinished(other), "{other}");
        }
    }

    #[test]
    fn names_tell_their_ids() {
        assert_eq!(segment_name(1), "log-0000000000000001.kvl");
        assert_eq!(snapshot_name(42), "snapshot-0000000000000042.kvs");
        for id in [1, 9, 10, 10_u64.pow(16) - 1] {
            assert_eq!(parse_segment(&segment_name(id)), Some(id));
            assert_eq!(parse_snapshot(&snapshot_name(id)), Some(id));
            assert_eq!(parse_snapshot(&segment_name(id)), None);
            assert_eq!(parse_segment(&(segment_name(id) + TEMP)), None);
            assert_eq!(parse_segment(&(segment_name(id) + DAMAGED)), None);
        }
        let others = [
            "spare-0000000000000001.kvl",
            MANIFEST,
            "",
            "log-.kvl",
            "log-0000000000000000.kvl",
            "log-1.kvl",
            "log-00000000000000001.kvl",
            "log-+000000000000001.kvl",
            "log-000000000000000x.kvl",
        ];
        for other in others {
            assert_eq!(parse_segment(other), None, "{other}");
        }
    }
}

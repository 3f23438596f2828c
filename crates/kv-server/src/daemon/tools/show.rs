//! What is found in a data directory, as text for people.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use kv_core::UnixMillis;
use kv_persist::tools::{CheckReport, FileReport, FileState, KEYS_COUNTED_MAX, Loss};

/// The last time that is shown as a date, that is, with a year of four digits.
const DATE_MAX_MS: u64 = 253_402_300_799_999;

/// Space for a file's name.
const NAME_WIDTH: usize = 29;

/// All files, or those that are damaged, one line each.
pub(super) fn files(report: &CheckReport, only_damaged: bool) -> String {
    let is_shown =
        |file: &&FileReport| !only_damaged || matches!(file.state, FileState::Damaged(_));
    let mut text = String::new();
    for FileReport { name, state, created } in report.files.iter().filter(is_shown) {
        let (word, what) = match state {
            FileState::Good(what) => ("ok", what),
            FileState::Unneeded(what) => ("-", what),
            FileState::Damaged(what) => ("DAMAGED", what),
        };
        let created = created.map(|at| format!(", begun {}", date(at))).unwrap_or_default();
        push(&mut text, &format!("{word:<8} {name:<NAME_WIDTH$}  {what}{created}"));
    }
    text
}

/// What is lost, in a sentence.
pub(super) fn loss(loss: Option<Loss>) -> String {
    let Some(Loss { first_position, last_position, readable, keys, since, until }) = loss else {
        return "nothing of the log that anything still tells of".to_owned();
    };
    let mut text = if first_position == last_position {
        format!("position {first_position} of the log: ")
    } else {
        format!("positions {first_position} to {last_position} of the log: ")
    };
    let unreadable = (last_position - first_position + 1).saturating_sub(readable);
    let least = if keys >= KEYS_COUNTED_MAX { "at least " } else { "" };
    let keys = count(keys as u64, "different key");
    let readable = count(readable, "record");
    let mut part = |given: std::fmt::Arguments<'_>| text.write_fmt(given).unwrap_or_default();
    part(format_args!("{readable} that can still be read, of {least}{keys}"));
    if unreadable > 0 {
        let verb = if unreadable == 1 { "is" } else { "are" };
        part(format_args!(", and {unreadable} that {verb} damaged or missing"));
    }
    if let (Some(since), Some(until)) = (since, until) {
        let (since, until) = (date(since), date(until));
        part(format_args!("; written after {since}"));
        if since != until {
            part(format_args!(", the last of them after {until}"));
        }
    }
    text
}

/// How to repair a directory.
pub(super) fn repair_command(dir: &Path, flag: &str) -> String {
    format!("kv-server repair {}{flag}", dir.display())
}

/// Adds a line.
pub(super) fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A time that was read from a file may be any.
fn date(at: UnixMillis) -> String {
    if at.get() > DATE_MAX_MS {
        return format!("millisecond {} of the Unix epoch", at.get());
    }
    let time = UNIX_EPOCH + Duration::from_millis(at.get());
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn any_time_can_be_shown() {
        assert_eq!(date(UnixMillis::new(0)), "1970-01-01T00:00:00Z");
        assert_eq!(date(UnixMillis::new(DATE_MAX_MS)), "9999-12-31T23:59:59Z");
        let shown = date(UnixMillis::new(u64::MAX));
        assert_eq!(shown, "millisecond 18446744073709551615 of the Unix epoch");
    }

    #[test]
    fn losses_are_said_in_full() {
        let begun = |day: u64| Some(UnixMillis::new(1_700_000_000_000 + day * 86_400_000));
        let much = Loss {
            first_position: 12,
            last_position: 20,
            readable: 7,
            keys: KEYS_COUNTED_MAX,
            since: begun(0),
            until: begun(2),
        };
        expect!["positions 12 to 20 of the log: 7 records that can still be read, of at least 4194304 different keys, and 2 that are damaged or missing; written after 2023-11-14T22:13:20Z, the last of them after 2023-11-16T22:13:20Z"].assert_eq(&loss(Some(much)));
        let little = Loss { last_position: 12, readable: 1, keys: 1, until: begun(0), ..much };
        expect!["position 12 of the log: 1 record that can still be read, of 1 different key; written after 2023-11-14T22:13:20Z"].assert_eq(&loss(Some(little)));
    }
}

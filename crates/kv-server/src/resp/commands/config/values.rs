//! Values of settings: from Redis's form into ours, and what is said when they are not allowed.

use kv_core::eviction::PolicyKind;

use crate::config::FsyncMode;

/// Reads a client's value as the configuration writes it, or says what is wrong with it.
pub(super) type Reader = fn(&str) -> Result<String, String>;

/// The greatest number of seconds that Redis takes.
const SECONDS_MAX: i64 = i32::MAX as i64;

/// The most slow turns that are remembered.
const ENTRIES_MAX: i64 = 10_000;

/// The most clients that may be allowed.
const CLIENTS_MAX: i64 = 1_000_000;

/// Redis's names for when the log is synced, in its order.
const FSYNC_NAMES: [(&str, FsyncMode); 3] =
    [("everysec", FsyncMode::Interval), ("always", FsyncMode::Always), ("no", FsyncMode::Never)];

/// A value of ours; the configuration says whether it is allowed.
#[expect(clippy::unnecessary_wraps, reason = "it is one reader among others")]
pub(super) fn ours(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// Bytes, with or without a unit.
pub(super) fn memory(text: &str) -> Result<String, String> {
    let refused = || "argument must be a memory value".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(unit_at).ok_or_else(refused)?;
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return Err(refused()),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    bytes.map(|bytes| bytes.to_string()).ok_or_else(refused)
}

/// Seconds; 0 for none.
pub(super) fn timeout(text: &str) -> Result<String, String> {
    number(text, 0, SECONDS_MAX).map(|seconds| format!("{seconds}s"))
}

/// Microseconds; -1 for never.
pub(super) fn threshold(text: &str) -> Result<String, String> {
    let micros = number(text, -1, i64::MAX)?;
    Ok(if micros < 0 { "off".to_owned() } else { format!("{micros}us") })
}

/// How many slow turns are remembered.
pub(super) fn entries(text: &str) -> Result<String, String> {
    number(text, 0, ENTRIES_MAX).map(|count| count.to_string())
}

fn number(text: &str, min: i64, max: i64) -> Result<i64, String> {
    let number =
        kv_resp::integer(text.as_bytes()).ok_or("argument couldn't be parsed into an integer")?;
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(format!("argument must be between {min} and {max} inclusive"))
}

/// How many clients there may be; the configuration knows the bounds.
pub(super) fn clients(text: &str) -> Result<String, String> {
    number(text, 1, CLIENTS_MAX).map(|count| count.to_string())
}

/// When the log is synced, by Redis's name for it.
pub(super) fn fsync(text: &str) -> Result<String, String> {
    let found = FSYNC_NAMES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, mode)| mode.name().to_owned()).ok_or_else(|| {
        let names = FSYNC_NAMES.map(|(name, _)| name);
        format!("argument(s) must be one of the following: {}", names.join(", "))
    })
}

/// Redis's name for when the log is synced.
pub(super) fn fsync_name(mode: FsyncMode) -> &'static str {
    match mode {
        FsyncMode::Always => "always",
        FsyncMode::Interval => "everysec",
        FsyncMode::Never => "no",
    }
}

/// After how many seconds a snapshot is taken, if there was one change; nothing for never.
pub(super) fn save(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [] => Ok("0s".to_owned()),
        [seconds, "1"] => number(seconds, 1, SECONDS_MAX).map(|seconds| format!("{seconds}s")),
        _ => Err("Invalid save parameters: this server takes a number of seconds and 1 change, or nothing"
            .to_owned()),
    }
}

/// A policy by Redis's name for it.
pub(super) fn policy(text: &str) -> Result<String, String> {
    let known = PolicyKind::ALL.into_iter();
    let found = known.clone().find(|kind| policy_name(*kind).eq_ignore_ascii_case(text));
    found.map(|kind| kind.name().to_owned()).ok_or_else(|| {
        let names: Vec<String> = known.map(policy_name).collect();
        format!("argument(s) must be one of the following: {}", names.join(", "))
    })
}

/// Redis's name for a policy; of one that Redis has not, the name it would have there.
pub(crate) fn policy_name(kind: PolicyKind) -> String {
    match kind {
        PolicyKind::None => "noeviction".to_owned(),
        PolicyKind::Ttl => "volatile-ttl".to_owned(),
        other => format!("allkeys-{}", other.name()),
    }
}

/// `yes` or `no`.
pub(super) fn yes_no(is_on: bool) -> String {
    if is_on { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_have_the_names_of_redis() {
        for (name, mode) in FSYNC_NAMES {
            assert_eq!(fsync_name(mode), name);
            assert_eq!(fsync(&name.to_uppercase()), Ok(mode.name().to_owned()));
        }
        assert!(fsync("never").unwrap_err().ends_with(": everysec, always, no"));
    }

    #[test]
    fn snapshots_are_taken_after_seconds_with_a_change_or_never() {
        for (text, expected) in [
            ("", "0s"),
            (" ", "0s"),
            ("900 1", "900s"),
            (" 1  1 ", "1s"),
            ("2147483647 1", "2147483647s"),
        ] {
            assert_eq!(save(text).as_deref(), Ok(expected), "{text:?}");
        }
        for text in ["900", "900 2", "0 1", "-1 1", "x 1", "900 1 300 10", "2147483648 1"] {
            assert!(save(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn clients_are_as_many_as_the_configuration_allows() {
        let (_, max) = crate::config::Config::default().limits.connections_max.bounds();
        assert_eq!(max, CLIENTS_MAX.unsigned_abs());
        assert_eq!(clients("1000000").as_deref(), Ok("1000000"));
        assert!(clients("0").is_err() && clients("1000001").is_err());
    }

    #[test]
    fn memory_has_the_units_of_redis() {
        for (text, bytes) in
            [("0", "0"), ("1k", "1000"), ("1Kb", "1024"), ("2gb", "2147483648"), ("7b", "7")]
        {
            assert_eq!(memory(text).as_deref(), Ok(bytes));
        }
        for text in ["", "-1", "1%", "k", "1kbb", "1 k", "99999999999999999999", "18446744073gb"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(timeout("0").as_deref(), Ok("0s"));
        assert!(timeout("2147483647").is_ok() && timeout("2147483648").is_err());
        assert_eq!(threshold("-1").as_deref(), Ok("off"));
        assert_eq!(threshold("0").as_deref(), Ok("0us"));
        assert!(threshold("-2").is_err());
        assert!(entries("10000").is_ok() && entries("10001").is_err() && entries("x").is_err());
    }

    #[test]
    fn policies_are_known_by_the_names_of_redis() {
        assert_eq!(policy("ALLKEYS-LRU").as_deref(), Ok("lru"));
        assert_eq!(policy("noeviction").as_deref(), Ok("none"));
        assert_eq!(policy("allkeys-s3fifo").as_deref(), Ok("s3fifo"));
        assert_eq!(policy("allkeys-tinylfu").as_deref(), Ok("tinylfu"));
        assert_eq!(policy("volatile-ttl").as_deref(), Ok("ttl"));
        assert!(policy("volatile-lru").is_err() && policy("lru").is_err());
    }
}

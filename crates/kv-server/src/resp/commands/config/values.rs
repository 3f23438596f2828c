//! Values of settings: from Redis's form into ours, and what is said when they are not allowed.

use kv_core::eviction::PolicyKind;

/// Reads a client's value as the configuration writes it, or says what is wrong with it.
pub(super) type Reader = fn(&str) -> Result<String, String>;

/// The greatest number of seconds that Redis takes.
const SECONDS_MAX: i64 = i32::MAX as i64;

/// The most slow turns that are remembered.
const ENTRIES_MAX: i64 = 10_000;

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

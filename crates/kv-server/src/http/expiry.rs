//! When a key shall end, as a query says it.

use kv_core::{Deadline, StoreError};

use super::problem::{Problem, Reason};
use super::query::Query;

/// The parameters that say when a key ends.
pub(super) const PARAMETERS: [&str; 3] = ["ttl", "ttl_ms", "expires_at_ms"];

const TTL_ALLOWED: &str =
    "a whole number and a unit: ms, s, m, h or d, such as 500ms, 10s, 5m, 12h or 30d";

/// When the key shall end; `None` when the query does not say.
pub(super) fn deadline(query: &Query<'_>) -> Result<Option<Deadline>, Problem> {
    let given = PARAMETERS.iter().filter(|name| query.bytes(name).is_some()).count();
    if given > 1 {
        return Err(contradiction("at most one of ttl, ttl_ms and expires_at_ms may be given"));
    }
    if let Some(ms) = query.integer("expires_at_ms")? {
        return Ok(Some(Deadline::at(ms)?));
    }
    let ttl_ms = match query.get("ttl", TTL_ALLOWED, ttl_ms)? {
        Some(ms) => Some(ms),
        None => query.integer("ttl_ms")?.map(i128::from),
    };
    let Some(given_ms) = ttl_ms else {
        return Ok(None);
    };
    let ms =
        i64::try_from(given_ms).map_err(|_beyond| StoreError::ExpiryOutOfRange { given_ms })?;
    Ok(Some(Deadline::after(ms)?))
}

/// Parameters that cannot stand together.
pub(super) fn contradiction(detail: &'static str) -> Problem {
    Problem::new(Reason::Contract(kv_proto::v1::ErrorReason::ConflictingFields), detail)
}

/// Milliseconds of a TTL with its unit. Far more than fits is told apart from what is not understood.
fn ttl_ms(text: &str) -> Option<i128> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    Some(i128::from(number) * unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Result<Option<Deadline>, Problem> {
        deadline(&Query::parse(Some(query), &PARAMETERS).unwrap())
    }

    #[test]
    fn a_ttl_has_a_number_and_a_unit() {
        for (text, ms) in [
            ("ttl=1ms", 1),
            ("ttl=10s", 10_000),
            ("ttl=010s", 10_000),
            ("ttl=5m", 300_000),
            ("ttl=12h", 43_200_000),
            ("ttl=30d", 2_592_000_000),
            ("ttl_ms=1500", 1500),
        ] {
            assert_eq!(of(text).unwrap(), Some(Deadline::after(ms).unwrap()), "{text}");
        }
        assert_eq!(of("expires_at_ms=1500").unwrap(), Some(Deadline::at(1500).unwrap()));
        assert_eq!(of("").unwrap(), None);
    }

    #[test]
    fn what_is_no_ttl_is_refused_with_what_is() {
        for text in ["", "10", "s", "10 s", "1.5s", "-1s", "10S", "1h30m", "10y", "\u{661}s"] {
            let problem = of(&format!("ttl={text}")).unwrap_err();
            assert!(
                problem.detail().contains("such as 500ms, 10s"),
                "{text}: {}",
                problem.detail()
            );
        }
    }

    #[test]
    fn what_is_out_of_range_is_told_with_its_milliseconds() {
        for (text, ms) in [
            ("ttl=0s", "0 ms"),
            ("ttl_ms=-5", "-5 ms"),
            ("expires_at_ms=0", "0 ms"),
            ("ttl=18446744073709551615d", "1593798687968505259536000000 ms"),
            ("ttl_ms=281474976710656", "281474976710656 ms"),
        ] {
            let problem = of(text).unwrap_err();
            assert!(problem.detail().contains(ms), "{text}: {}", problem.detail());
        }
        let both = of("ttl=1s&ttl_ms=1000").unwrap_err();
        assert!(both.detail().contains("at most one"), "{}", both.detail());
    }
}

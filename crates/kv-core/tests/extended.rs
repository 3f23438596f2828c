//! Numbers in extended precision, compared with Redis.

use kv_core::{Extended, FLOAT_TEXT_BYTES_MAX, StoreError};
use proptest::prelude::*;

/// What `redis-server` 7.0.15 on x86-64 answered: on each line a value, what `INCRBYFLOAT` was to add to
/// it, and the answer. `!float` is "value is not a valid float", `!overflow` "increment would produce NaN
/// or Infinity".
const REDIS: &str = include_str!("extended/redis.tsv");

/// Fewer would mean that the table is not read.
const CASES_MIN: usize = 1000;

fn parse(text: &str) -> Result<Extended, StoreError> {
    Extended::parse(text.as_bytes())
}

fn add(value: &str, delta: &str) -> Result<String, StoreError> {
    let sum = parse(value)?.checked_add(parse(delta)?);
    sum.map(|sum| sum.to_string()).ok_or(StoreError::FloatOverflow)
}

#[test]
fn every_sum_is_what_redis_answered() {
    let mut cases = 0;
    for line in REDIS.split_terminator('\n') {
        let mut fields = line.split('\t');
        let [value, delta, answer] = [(); 3].map(|()| fields.next().unwrap());
        let expected = match answer {
            "!float" => Err(StoreError::NotAFloat),
            "!overflow" => Err(StoreError::FloatOverflow),
            text => Ok(text.to_owned()),
        };
        assert_eq!(add(value, delta), expected, "{value:?} + {delta:?}");
        cases += 1;
    }
    assert!(cases >= CASES_MIN, "only {cases} cases");
}

#[test]
fn a_number_ends_with_its_text() {
    for text in ["1\0", "\x001", "1\n", "\n1", "\t1", "\x0b1", "1\0.5", "inf\0"] {
        assert_eq!(parse(text), Err(StoreError::NotAFloat), "{text:?}");
    }
    for digits in [1, 2, FLOAT_TEXT_BYTES_MAX] {
        parse(&format!("{:0>digits$}", 7)).unwrap();
    }
    parse(&format!("{:0>1$}", 7, FLOAT_TEXT_BYTES_MAX + 1)).unwrap_err();
}

proptest! {
    #[test]
    fn any_bytes_are_a_number_or_not(text in proptest::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(number) = Extended::parse(&text) {
            let shown = number.to_string();
            prop_assert!(!number.is_finite() || !shown.contains("inf"), "{}", shown);
        }
    }

    /// Of numbers below 64, half of the last bit's worth is less than what 17 decimals can show.
    #[test]
    fn small_numbers_are_shown_as_they_are_written(text in "-?([1-9]|[1-5][0-9])\\.[0-9]{0,16}[1-9]") {
        prop_assert_eq!(parse(&text).unwrap().to_string(), text);
    }

    #[test]
    fn sums_of_whole_numbers_are_exact(a in -(1_i64 << 62)..1 << 62, b in -(1_i64 << 62)..1 << 62) {
        prop_assert_eq!(add(&a.to_string(), &b.to_string()).unwrap(), (a + b).to_string());
    }

    #[test]
    fn the_order_of_what_is_added_does_not_matter(
        a in "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,3})?",
        b in "-?(0x[0-9a-f]{1,20}(p-?[0-9]{1,4})?|[0-9]{1,25}e-?[0-9]{1,4})",
    ) {
        if let (Ok(a), Ok(b)) = (parse(&a), parse(&b)) {
            prop_assert_eq!(a.checked_add(b), b.checked_add(a));
            if let Some(sum) = a.checked_add(Extended::ZERO) {
                prop_assert_eq!(sum.to_string(), a.to_string());
            }
        }
    }
}

//! The tester itself: Redis answers as Redis does, and a server that lies is caught.

use kv_resp::Value;

use super::differences::DIFFERENCES;
use super::peer::Peer;
use super::report::Report;
use super::run::Pair;
use super::step::{Args, args, words};
use super::{SKIPPED, answer, compare, generate};

/// Enough for every command to come up several times.
const OPS: u64 = 10_000;

/// No lie here needs more to be seen.
const STEPS_MAX: usize = 4;

#[test]
fn sessions_are_the_same_for_the_same_seed() {
    assert_eq!(generate::session(1, 300), generate::session(1, 300));
    assert_ne!(generate::session(1, 300), generate::session(2, 300));
}

#[test]
fn redis_answers_as_redis_does() {
    let (Some(one), Some(other)) = (Peer::redis(), Peer::redis()) else {
        println!("{SKIPPED}");
        return;
    };
    let seed = fastrand::u64(..);
    let outcome = compare(&Pair::new(one, other), seed, OPS);
    assert!(outcome.reports.is_empty() && outcome.justified == 0, "{outcome}");
}

/// Proves that a server with such answers is caught, with few steps and these lines to show for it.
fn is_caught(alter: fn(&Args, Value) -> Value, expected: &[&str]) {
    let (Some(right), Some(wrong)) = (Peer::redis(), Peer::redis()) else {
        return;
    };
    let outcome = compare(&Pair::new(right, wrong.altered(alter)), fastrand::u64(..), OPS);
    let is_expected = |report: &Report| {
        let shown = report.to_string();
        report.steps.as_ref().is_some_and(|steps| steps.len() <= STEPS_MAX)
            && expected.iter().all(|line| shown.contains(line))
    };
    assert!(outcome.reports.iter().any(is_expected), "{outcome}");
}

#[test]
fn a_number_that_is_off_by_one_is_caught() {
    is_caught(
        |command, value| match value {
            Value::Integer(length) if command.first().is_some_and(|name| name == b"STRLEN") => {
                Value::Integer(length + 1)
            }
            other => other,
        },
        &["at:    STRLEN ", "redis: :", "kv:    :"],
    );
}

#[test]
fn another_word_in_an_error_is_caught() {
    is_caught(
        |_, value| match value {
            Value::Error(text) if text.starts_with(b"ERR value is not an integer") => {
                Value::Error(b"ERR value is no integer or out of range".to_vec())
            }
            other => other,
        },
        &["redis: -ERR value is not an integer", "kv:    -ERR value is no integer"],
    );
}

#[test]
fn the_null_of_the_other_version_is_caught() {
    is_caught(
        |_, value| if value == Value::Null { Value::NullBulk } else { value },
        &["redis: (null, as _)", "kv:    (null, as $-1)"],
    );
}

#[test]
fn a_part_too_few_is_caught() {
    is_caught(
        |command, value| match value {
            Value::Array(mut parts) if command.first().is_some_and(|name| name == b"MGET") => {
                parts.pop();
                Value::Array(parts)
            }
            other => other,
        },
        &["at:    MGET "],
    );
}

#[test]
fn an_expiry_that_is_off_by_a_minute_is_caught() {
    is_caught(
        |command, value| match value {
            Value::Integer(left)
                if command.first().is_some_and(|name| name == b"TTL") && left > 0 =>
            {
                Value::Integer(left - 60)
            }
            other => other,
        },
        &["at:    TTL "],
    );
}

/// What is not the case any more must not stand in the documentation.
#[test]
fn every_listed_difference_is_there() {
    let Some(redis) = Peer::redis() else {
        println!("{SKIPPED}");
        return;
    };
    let kv = Peer::kv();
    for difference in DIFFERENCES {
        let [mut redis, mut kv] = [redis.connect(), kv.connect()];
        for connection in [&mut redis, &mut kv] {
            connection.ask(&args([b"FLUSHALL"]));
        }
        let commands: Vec<Args> = difference.example.iter().map(|command| words(command)).collect();
        let answers = commands.iter().map(|command| (command, redis.ask(command), kv.ask(command)));
        let (last, redis, kv) = answers.last().expect("an example is given");
        let shown =
            format!("{}: {} and {}", difference.what, answer::shown(&redis), answer::shown(&kv));
        assert!(!answer::are_alike(last, &redis, &kv), "there is no such difference: {shown}");
        assert!((difference.covers)(last, &redis, &kv), "another difference: {shown}");
    }
}

//! The tester itself: Redis answers as Redis does, and a server that lies is caught.

use std::collections::BTreeSet;

use kv_resp::Value;

use super::differences::{DIFFERENCES, Example};
use super::peer::Peer;
use super::report::Report;
use super::run::Pair;
use super::step::{Args, args, is, words};
use super::{SKIPPED, answer, compare, differences, generate};

/// Enough for every command to come up several times.
const OPS: u64 = 10_000;

/// Enough for every command to be made at least once.
const SESSIONS: u64 = 200;

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
fn is_caught(alter: fn(&Args, &mut Value), expected: &[&str]) {
    is_caught_in((fastrand::u64(..), OPS), alter, expected);
}

/// The same, in the sessions from this seed on.
fn is_caught_in((seed, ops): (u64, u64), alter: fn(&Args, &mut Value), expected: &[&str]) {
    let (Some(right), Some(wrong)) = (Peer::redis(), Peer::redis()) else {
        return;
    };
    let outcome = compare(&Pair::new(right, wrong.altered(alter)), seed, ops);
    let is_expected = |report: &Report| {
        // Names of commands come in any case.
        let shown = report.to_string().to_uppercase();
        report.steps.as_ref().is_some_and(|steps| steps.len() <= STEPS_MAX)
            && expected.iter().all(|line| shown.contains(&line.to_uppercase()))
    };
    assert!(outcome.reports.iter().any(is_expected), "{outcome}");
}

#[test]
fn a_number_that_is_off_by_one_is_caught() {
    is_caught(
        |command, value| {
            if let Value::Integer(length) = value
                && is(command.first(), "STRLEN")
            {
                *length += 1;
            }
        },
        &["at:    STRLEN ", "redis: :", "kv:    :"],
    );
}

#[test]
fn another_word_in_an_error_is_caught() {
    is_caught(
        |_, value| {
            if *value == Value::Error(b"ERR syntax error".to_vec()) {
                *value = Value::Error(b"ERR Syntax error".to_vec());
            }
        },
        &["redis: -ERR syntax error", "kv:    -ERR Syntax error"],
    );
}

#[test]
fn the_null_of_the_other_version_is_caught() {
    is_caught(
        |_, value| {
            if *value == Value::Null {
                *value = Value::NullBulk;
            }
        },
        &["redis: (null, as _)", "kv:    (null, as $-1)"],
    );
}

#[test]
fn a_part_too_few_is_caught() {
    is_caught(
        |command, value| {
            if let Value::Array(parts) = value
                && is(command.first(), "MGET")
            {
                parts.pop();
            }
        },
        &["at:    MGET "],
    );
}

fn a_minute_less(command: &Args, value: &mut Value) {
    if let Value::Integer(left @ 1..) = value
        && is(command.first(), "TTL")
    {
        *left -= 60;
    }
}

#[test]
fn an_expiry_that_is_off_by_a_minute_is_caught() {
    is_caught(a_minute_less, &["at:    TTL "]);
}

/// The only key whose TTL this session asks for was renamed twice before.
#[test]
fn a_difference_behind_renames_is_shown_without_them() {
    is_caught_in((15_354_150_706_309_997_650, 1), a_minute_less, &["at:    TTL "]);
}

/// A command that is new to the server must not go unasked.
#[test]
fn every_command_of_the_server_is_asked() {
    let mut asked = BTreeSet::new();
    for seed in 0..SESSIONS {
        let commands = generate::session(seed, 300).into_iter().flat_map(|step| step.asked());
        asked.extend(commands.filter_map(|command| Some(command.first()?.to_ascii_uppercase())));
    }
    let Value::Array(names) = Peer::kv().connect().ask(&words("COMMAND LIST")) else {
        panic!("COMMAND LIST is answered with a list")
    };
    for name in names {
        let Value::Bulk(name) = name else { panic!("a name is a string") };
        // Subcommands stand behind their container.
        if !name.contains(&b'|') {
            let name = name.to_ascii_uppercase();
            assert!(asked.contains(&name), "{} is never asked", name.escape_ascii());
        }
    }
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
        let what = difference.what;
        match difference.example {
            Example::Bytes(bytes) => {
                let [redis, kv] =
                    [&redis, &kv].map(|peer| peer.connect().send_raw(bytes.as_bytes()));
                assert_ne!(redis, kv, "there is no such difference: {what}");
            }
            Example::Commands(commands) => {
                let [mut redis, mut kv] = [redis.connect(), kv.connect()];
                for connection in [&mut redis, &mut kv] {
                    connection.ask(&args([b"FLUSHALL"]));
                }
                let commands = commands.iter().map(|command| words(command));
                let asked =
                    commands.map(|command| (redis.ask(&command), kv.ask(&command), command));
                let (redis, kv, last) = asked.last().expect("an example is given");
                let shown = format!("{what}: {} and {}", answer::shown(&redis), answer::shown(&kv));
                assert!(
                    !answer::are_alike(&last, &redis, &kv),
                    "there is no such difference: {shown}"
                );
            }
        }
    }
}

#[test]
fn the_documentation_lists_the_differences() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/resp.md");
    let text = std::fs::read_to_string(path).expect("docs/resp.md");
    let (_, rest) = text.split_once("<!-- differences:begin -->\n").expect("the section begins");
    let (section, _) = rest.split_once("\n<!-- differences:end -->").expect("the section ends");
    let table = differences::table();
    assert!(section == table, "docs/resp.md must say between its marks:\n{table}");
}

//! Where the server answers otherwise than Redis 7.0, and why. docs/resp.md shows this table.

use kv_resp::Value;

use super::step::{Args, is};

/// One difference that is meant to be.
pub(super) struct Difference {
    /// What the reader of the table looks for.
    pub(super) what: &'static str,
    /// What Redis 7.0 does.
    pub(super) redis: &'static str,
    /// What the server does.
    pub(super) kv: &'static str,
    /// Why that is right.
    pub(super) reason: &'static str,
    /// Whether two answers to a command differ for this reason: that of Redis first.
    pub(super) covers: fn(&Args, &Value, &Value) -> bool,
    /// Whether the stores may hold different keys afterwards.
    pub(super) stores_differ: bool,
    /// Commands, of which the last shows the difference.
    pub(super) example: &'static [&'static str],
}

/// All of them.
pub(super) static DIFFERENCES: &[Difference] = &[
    Difference {
        what: "Expiries after the year 10889",
        redis: "accepted up to 2^63 - 1 milliseconds, which is the year 292 million",
        kv: "refused as `invalid expire time`",
        reason: "an expiry takes six bytes beside each key instead of eight",
        covers: |_, redis, kv| {
            !matches!(redis, Value::Error(_)) && is_error(kv, "ERR invalid expire time in ")
        },
        stores_differ: true,
        example: &["SET k v PXAT 281474976710656"],
    },
    Difference {
        what: "`WAITAOF`, `CLIENT SETINFO`, `CLIENT NO-TOUCH`",
        redis: "unknown: they come with 7.2",
        kv: "answered as Redis 7.2 does",
        reason: "clients of these days send them",
        covers: |command, redis, _| {
            let sub_is = |name| is(command.get(1), name);
            let is_new = is(command.first(), "WAITAOF")
                || is(command.first(), "CLIENT") && (sub_is("SETINFO") || sub_is("NO-TOUCH"));
            is_new && is_error(redis, "ERR unknown ")
        },
        stores_differ: false,
        example: &["WAITAOF 0 0 0"],
    },
    Difference {
        what: "Arguments, repeated in an error",
        redis: "as they are, most of them whole",
        kv: "as UTF-8, with U+FFFD for what is none, and up to 128 bytes",
        reason: "an error is text, which many clients decode as UTF-8, and no place for the largest argument \
                 that a client may send",
        covers: |_, redis, kv| {
            let (Value::Error(redis), Value::Error(kv)) = (redis, kv) else { return false };
            let [redis, kv] = [redis, kv].map(|text| String::from_utf8_lossy(text));
            let same = redis.chars().zip(kv.chars()).take_while(|(redis, kv)| redis == kv);
            let same: String = same.map(|(character, _)| character).collect();
            same.contains(char::REPLACEMENT_CHARACTER) || same.len() >= 128
        },
        stores_differ: false,
        example: &[r#"nosuch "\xff""#],
    },
];

/// The listed reason why these answers differ.
pub(super) fn find(command: &Args, redis: &Value, kv: &Value) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| (difference.covers)(command, redis, kv))
}

fn is_error(value: &Value, start: &str) -> bool {
    matches!(value, Value::Error(text) if text.starts_with(start.as_bytes()))
}

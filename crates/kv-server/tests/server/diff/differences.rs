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
    /// What shows it.
    pub(super) example: Example,
}

/// Something that both servers are asked.
pub(super) enum Example {
    /// Commands, of which the last is answered differently.
    Commands(&'static [&'static str]),
    /// Bytes on a connection of their own.
    Bytes(&'static str),
}

/// How an error begins that ends with the names of all policies.
const POLICIES: &str = "ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) \
                        must be one of the following: ";

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
        example: Example::Commands(&["SET k v PXAT 281474976710656"]),
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
        example: Example::Commands(&["WAITAOF 0 0 0"]),
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
        example: Example::Commands(&[r#"nosuch "\xff""#]),
    },
    Difference {
        what: "`OBJECT ENCODING` of a value that was changed",
        redis: "`raw` after `APPEND` and `SETRANGE`, whatever the value is now",
        kv: "what Redis says of a value that was set so: `int`, `embstr` up to 44 bytes, or `raw`",
        reason: "all values are stored alike: there is no encoding to remember",
        covers: |command, redis, kv| {
            let is_text = |value: &Value| {
                let encodings = [b"int".as_slice(), b"embstr", b"raw"];
                matches!(value, Value::Bulk(text) if encodings.contains(&text.as_slice()))
            };
            is(command.first(), "OBJECT") && is_text(redis) && is_text(kv)
        },
        stores_differ: false,
        example: Example::Commands(&["SET k 1", "APPEND k 2", "OBJECT ENCODING k"]),
    },
    Difference {
        what: "`CONFIG SET maxmemory-policy` to something unknown",
        redis: "the error names the policies of Redis",
        kv: "the error names those of kv",
        reason: "not all of them are the same: `allkeys-fifo` is new, most of `volatile-` is missing",
        covers: |command, redis, kv| {
            is(command.first(), "CONFIG") && is_error(redis, POLICIES) && is_error(kv, POLICIES)
        },
        stores_differ: false,
        example: Example::Commands(&["CONFIG SET maxmemory-policy nosuch"]),
    },
    Difference {
        what: "`CONFIG SET maxmemory` to nothing",
        redis: "taken for 0, which is no limit",
        kv: "refused as no memory value",
        reason: "it is more likely a mistake than a wish",
        covers: |command, redis, kv| {
            is(command.first(), "CONFIG")
                && command.get(3).is_some_and(Vec::is_empty)
                && *redis == Value::Simple(b"OK".to_vec())
                && is_error(kv, "ERR CONFIG SET failed (possibly related to argument 'maxmemory')")
        },
        stores_differ: true,
        example: Example::Commands(&[r#"CONFIG SET maxmemory """#]),
    },
    Difference {
        what: "`DBSIZE` and `MEMORY USAGE` of keys whose time has come",
        redis: "they count until something removes them",
        kv: "they are gone: a value that is written with a time in the past is not stored",
        reason: "an expired key is never seen",
        covers: |command, redis, kv| match (redis, kv) {
            (Value::Integer(redis), Value::Integer(kv)) => {
                is(command.first(), "DBSIZE") && kv < redis
            }
            (Value::Integer(_), Value::NullBulk | Value::Null) => is(command.get(1), "USAGE"),
            _ => false,
        },
        stores_differ: false,
        example: Example::Commands(&["SET k v PXAT 1", "DBSIZE"]),
    },
    Difference {
        what: "Cursors that no `SCAN` has returned",
        redis: "any number, also a negative one, is a place to go on at",
        kv: "may be refused as `invalid cursor`",
        reason: "whatever wrote such a cursor is mistaken, and should hear of it",
        covers: |command, _, kv| is(command.first(), "SCAN") && is_error(kv, "ERR invalid cursor"),
        stores_differ: false,
        example: Example::Commands(&["SCAN -1"]),
    },
    Difference {
        what: "`COMMAND GETKEYS` of a command without arguments",
        redis: "wrong number of arguments",
        kv: "`The command has no key arguments`",
        reason: "as in Redis 7.2",
        covers: |command, _, _| {
            is(command.first(), "COMMAND") && is(command.get(1), "GETKEYS") && command.len() == 3
        },
        stores_differ: false,
        example: Example::Commands(&["COMMAND GETKEYS PING"]),
    },
    Difference {
        what: "`HELLO` with several options, of which one is refused",
        redis: "what precedes it counts",
        kv: "nothing counts, and of an option that is given twice the last",
        reason: "as in Redis 7.2: a command is carried out whole or not at all",
        covers: |_, _, _| false,
        stores_differ: false,
        example: Example::Commands(&["HELLO 2 SETNAME name AUTH nosuch x", "CLIENT GETNAME"]),
    },
    Difference {
        what: "`SET` with `IFEQ`",
        redis: "a syntax error",
        kv: "the value is set if the present one equals the given",
        reason: "the store has it, and Valkey 8.1 spells it so",
        covers: |_, _, _| false,
        stores_differ: true,
        example: Example::Commands(&["SET k v", "SET k w IFEQ v"]),
    },
    Difference {
        what: "Requests of more than 1,048,576 arguments",
        redis: "up to 2,147,483,647",
        kv: "`Protocol error: invalid multibulk length`, as Redis up to 6.2",
        reason: "memory is bounded before it is needed",
        covers: |_, _, _| false,
        stores_differ: false,
        example: Example::Bytes("*1048577\r\n"),
    },
    Difference {
        what: "Zero bytes in inline commands",
        redis: "the line never ends",
        kv: "a byte like others",
        reason: "what has arrived is answered",
        covers: |_, _, _| false,
        stores_differ: false,
        example: Example::Bytes("ECHO a\0b\r\n"),
    },
];

/// The listed reason why these answers differ.
pub(super) fn find(command: &Args, redis: &Value, kv: &Value) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| (difference.covers)(command, redis, kv))
}

/// The table for people, in Markdown.
pub(super) fn table() -> String {
    let mut lines =
        vec!["| What | Redis 7.0 | kv | Why |".to_owned(), "|---|---|---|---|".to_owned()];
    lines.extend(DIFFERENCES.iter().map(|Difference { what, redis, kv, reason, .. }| {
        format!("| {what} | {redis} | {kv} | {reason} |")
    }));
    lines.join("\n")
}

fn is_error(value: &Value, start: &str) -> bool {
    matches!(value, Value::Error(text) if text.starts_with(start.as_bytes()))
}

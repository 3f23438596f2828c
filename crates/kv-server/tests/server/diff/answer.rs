//! When two answers count as equal.
//!
//! Most must be the same to the byte. Some say who answers, or when, or in an order that nobody promises: those
//! are compared by what every server says.

use kv_resp::Value;

use super::step::Args;

/// How the answers to a command are compared, when neither is an error.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// To the byte.
    Exact,
    /// Lists with the same members in any order.
    Members,
    /// Maps with the same pairs in any order; lists of pairs in RESP2.
    Pairs,
    /// Positive numbers so far apart at most; others exactly.
    Near(i64),
    /// The same type, and the same length of a list that has no more than so many parts.
    Kind,
    /// What `HELLO` says, of which some names the server.
    Hello,
    /// What `COMMAND INFO` says of arity, flags and keys; tips and categories are not compared.
    CommandInfo,
    /// Anything, error or not: it depends on what happens at the same time.
    Anything,
}

/// Clocks differ by as much as a test machine may be busy.
const SECONDS_APART: i64 = 2;

/// The commands that are not compared to the byte, in the forms that are answered by something else than an
/// error.
fn rule(command: &Args) -> Rule {
    let name = command.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
    let sub = command.get(1).map(|name| name.to_ascii_uppercase()).unwrap_or_default();
    match (name.as_slice(), sub.as_slice()) {
        (b"PTTL" | b"PEXPIRETIME", _) => Rule::Near(SECONDS_APART * 1000),
        (b"TTL" | b"EXPIRETIME", _) => Rule::Near(SECONDS_APART),
        (b"KEYS", _) => Rule::Members,
        (b"CONFIG", b"GET") => Rule::Pairs,
        (
            b"SCAN" | b"RANDOMKEY" | b"DUMP" | b"TIME" | b"LASTSAVE" | b"INFO" | b"MEMORY"
            | b"SLOWLOG",
            _,
        )
        | (b"OBJECT", b"REFCOUNT" | b"FREQ" | b"IDLETIME")
        | (b"CLIENT", b"ID" | b"INFO" | b"LIST")
        | (b"COMMAND", b"" | b"COUNT" | b"DOCS" | b"LIST") => Rule::Kind,
        (b"HELLO", _) => Rule::Hello,
        (b"COMMAND", b"INFO") => Rule::CommandInfo,
        (b"SAVE" | b"BGSAVE" | b"BGREWRITEAOF", _) if command.len() == 1 => Rule::Anything,
        _ => Rule::Exact,
    }
}

/// Whether the second answer will do for the first.
pub(super) fn are_alike(command: &Args, redis: &Value, kv: &Value) -> bool {
    if canonical(redis) == canonical(kv) {
        return true;
    }
    let rule = rule(command);
    if rule == Rule::Anything {
        return true;
    }
    if is_error(redis) || is_error(kv) {
        return false;
    }
    match rule {
        Rule::Exact | Rule::Anything => false,
        Rule::Members => members(redis).is_some_and(|found| Some(found) == members(kv)),
        Rule::Pairs => sorted_pairs(redis).is_some_and(|found| Some(found) == sorted_pairs(kv)),
        Rule::Near(apart) => is_near(redis, kv, apart),
        Rule::Kind => std::mem::discriminant(redis) == std::mem::discriminant(kv),
        Rule::Hello => is_hello(redis, kv),
        Rule::CommandInfo => is_command_info(redis, kv),
    }
}

/// Whether the answer is an error.
pub(super) fn is_error(value: &Value) -> bool {
    matches!(value, Value::Error(_))
}

/// The answer as text, equal for equal answers: doubles that are not numbers equal each other there.
pub(super) fn canonical(value: &Value) -> String {
    format!("{value:?}")
}

fn members(value: &Value) -> Option<Vec<String>> {
    let Value::Array(parts) = value else { return None };
    let mut members: Vec<String> = parts.iter().map(canonical).collect();
    members.sort_unstable();
    Some(members)
}

fn sorted_pairs(value: &Value) -> Option<Vec<String>> {
    let pair = |(name, value): &(Value, Value)| canonical(name) + &canonical(value);
    let mut sorted: Vec<String> = pairs(value)?.iter().map(pair).collect();
    sorted.sort_unstable();
    Some(sorted)
}

fn is_near(redis: &Value, kv: &Value, apart: i64) -> bool {
    match (redis, kv) {
        (Value::Integer(redis), Value::Integer(kv)) => {
            *redis >= 0 && *kv >= 0 && redis.abs_diff(*kv) <= apart.unsigned_abs()
        }
        _ => false,
    }
}

/// Names and their order are the same; version and number of the connection are each server's own.
fn is_hello(redis: &Value, kv: &Value) -> bool {
    let (Some(redis), Some(kv)) = (pairs(redis), pairs(kv)) else { return false };
    redis.len() == kv.len()
        && redis.iter().zip(&kv).all(|((redis_name, redis), (kv_name, kv))| {
            let is_own = [b"version".as_slice(), b"id"]
                .iter()
                .any(|name| canonical(redis_name) == canonical(&Value::Bulk(name.to_vec())));
            canonical(redis_name) == canonical(kv_name)
                && if is_own {
                    std::mem::discriminant(redis) == std::mem::discriminant(kv)
                } else {
                    canonical(redis) == canonical(kv)
                }
        })
}

fn pairs(value: &Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::Map(pairs) => Some(pairs.clone()),
        Value::Array(parts) => {
            let pair = |pair: &[Value]| match pair {
                [name, value] => Some((name.clone(), value.clone())),
                _ => None,
            };
            parts.chunks(2).map(pair).collect()
        }
        _ => None,
    }
}

fn is_command_info(redis: &Value, kv: &Value) -> bool {
    let (Value::Array(redis), Value::Array(kv)) = (redis, kv) else { return false };
    redis.len() == kv.len()
        && redis.iter().zip(kv).all(|(redis, kv)| match (redis, kv) {
            (Value::Array(redis), Value::Array(kv)) => {
                redis.len() == kv.len() && {
                    let [redis, kv] = [redis, kv].map(|row| row.iter().take(6).map(flags_sorted));
                    redis.eq(kv)
                }
            }
            (redis, kv) => canonical(redis) == canonical(kv),
        })
}

/// Flags have no order.
fn flags_sorted(part: &Value) -> Vec<String> {
    match part {
        Value::Array(flags) | Value::Set(flags) => {
            let mut flags: Vec<String> = flags.iter().map(canonical).collect();
            flags.sort_unstable();
            flags
        }
        other => vec![canonical(other)],
    }
}

/// The answer as people read it.
pub(super) fn shown(value: &Value) -> String {
    let list = |open: &str, parts: &[Value], close: &str| {
        let parts: Vec<String> = parts.iter().map(shown).collect();
        format!("{open}{}{close}", parts.join(", "))
    };
    match value {
        Value::Simple(text) => format!("+{}", text.escape_ascii()),
        Value::Error(text) => format!("-{}", text.escape_ascii()),
        Value::Integer(number) => format!(":{number}"),
        Value::Bulk(text) => format!("\"{}\"", text.escape_ascii()),
        Value::NullBulk => "(null, as $-1)".to_owned(),
        Value::NullArray => "(null, as *-1)".to_owned(),
        Value::Null => "(null, as _)".to_owned(),
        Value::Array(parts) => list("[", parts, "]"),
        Value::Set(parts) => list("set{", parts, "}"),
        Value::Push(parts) => list("push[", parts, "]"),
        Value::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", shown(key), shown(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Double(number) => format!(",{number}"),
        Value::Boolean(is_true) => format!("#{is_true}"),
        Value::BigNumber(digits) => format!("({}", digits.escape_ascii()),
        Value::Verbatim { format, text } => {
            format!("={}:\"{}\"", format.escape_ascii(), text.escape_ascii())
        }
        Value::Attributed { reply, .. } => format!("|... {}", shown(reply)),
    }
}

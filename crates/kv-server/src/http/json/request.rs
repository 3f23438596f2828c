//! JSON that clients send, as messages of the contract.

use bytes::Bytes;
use kv_proto::v1::{self, expire_request, op, set_request};
use serde::Deserialize;

use super::super::problem::{Problem, Reason};
use super::read;
use super::text::Read;

/// The body of a PUT: a value, and how long it lives. Its key is in the path, its condition in headers.
pub(in crate::http) fn set_request(body: &[u8]) -> Result<v1::SetRequest, Problem> {
    let SetBody { value, ttl_ms, expires_at_ms, keep_ttl, return_previous, durability } =
        read(body)?;
    Ok(v1::SetRequest {
        value: value.0,
        expiry: set_expiry(ttl_ms, expires_at_ms, keep_ttl)?,
        return_previous,
        durability: level(durability),
        ..Default::default()
    })
}

/// The body of an append. Its key is in the path.
pub(in crate::http) fn append_request(body: &[u8]) -> Result<v1::AppendRequest, Problem> {
    let AppendBody { suffix, durability } = read(body)?;
    Ok(v1::AppendRequest { key: Bytes::new(), suffix: suffix.0, durability: level(durability) })
}

/// The body of a batch.
pub(in crate::http) fn batch_request(body: &[u8]) -> Result<v1::BatchWriteRequest, Problem> {
    let Batch { ops, atomic, durability } = read(body)?;
    let ops = ops.into_iter().map(message).collect::<Result<_, _>>()?;
    Ok(v1::BatchWriteRequest { ops, atomic, durability: level(durability) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBody {
    value: Read,
    ttl_ms: Option<i64>,
    expires_at_ms: Option<i64>,
    keep_ttl: Option<bool>,
    #[serde(default)]
    return_previous: bool,
    durability: Option<Durability>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppendBody {
    suffix: Read,
    durability: Option<Durability>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    ops: Vec<Op>,
    #[serde(default)]
    atomic: bool,
    durability: Option<Durability>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Get(Get),
    Set(Set),
    Delete(Delete),
    Exists(Get),
    Increment(Increment),
    Append(Append),
    Expire(Expire),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Get {
    key: Read,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    key: Read,
    value: Read,
    ttl_ms: Option<i64>,
    expires_at_ms: Option<i64>,
    keep_ttl: Option<bool>,
    condition: Option<Condition>,
    if_version: Option<u64>,
    #[serde(default)]
    return_previous: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    key: Read,
    if_version: Option<u64>,
    #[serde(default)]
    return_previous: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Increment {
    key: Read,
    #[serde(default = "one")]
    delta: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Append {
    key: Read,
    suffix: Read,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    key: Read,
    ttl_ms: Option<i64>,
    expires_at_ms: Option<i64>,
    persist: Option<bool>,
    rule: Option<Rule>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Durability {
    Memory,
    Buffered,
    Fsync,
}

#[derive(Clone, Copy, Deserialize)]
enum Condition {
    #[serde(rename = "if_absent")]
    Absent,
    #[serde(rename = "if_present")]
    Present,
    #[serde(rename = "if_version")]
    Version,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rule {
    Nx,
    Xx,
    Gt,
    Lt,
}

const fn one() -> i64 {
    1
}

fn message(op: Op) -> Result<v1::Op, Problem> {
    let op = match op {
        Op::Get(Get { key }) => op::Op::Get(v1::GetRequest { key: key.0 }),
        Op::Set(set) => op::Op::Set(set_message(set)?),
        Op::Delete(Delete { key, if_version, return_previous }) => {
            let if_version = version(if_version)?;
            op::Op::Delete(v1::DeleteRequest {
                key: key.0,
                if_version,
                return_previous,
                durability: 0,
            })
        }
        Op::Exists(Get { key }) => op::Op::Exists(v1::ExistsRequest { key: key.0 }),
        Op::Increment(Increment { key, delta }) => {
            op::Op::Increment(v1::IncrementRequest { key: key.0, delta, durability: 0 })
        }
        Op::Append(Append { key, suffix }) => {
            op::Op::Append(v1::AppendRequest { key: key.0, suffix: suffix.0, durability: 0 })
        }
        Op::Expire(expire) => op::Op::Expire(expire_message(expire)?),
    };
    Ok(v1::Op { op: Some(op) })
}

fn set_message(set: Set) -> Result<v1::SetRequest, Problem> {
    let condition = match (set.condition, set.if_version) {
        (None, None) => v1::Condition::Unspecified,
        (Some(Condition::Absent), _) => v1::Condition::IfAbsent,
        (Some(Condition::Present), _) => v1::Condition::IfPresent,
        (Some(Condition::Version), _) | (None, Some(_)) => v1::Condition::IfVersion,
    };
    Ok(v1::SetRequest {
        key: set.key.0,
        value: set.value.0,
        condition: condition.into(),
        if_version: version(set.if_version)?,
        return_previous: set.return_previous,
        durability: 0,
        expiry: set_expiry(set.ttl_ms, set.expires_at_ms, set.keep_ttl)?,
    })
}

fn expire_message(asked: Expire) -> Result<v1::ExpireRequest, Problem> {
    let Expire { key, ttl_ms, expires_at_ms, persist, rule } = asked;
    let rule = rule.map_or(v1::ExpireRule::Unspecified, |rule| match rule {
        Rule::Nx => v1::ExpireRule::Nx,
        Rule::Xx => v1::ExpireRule::Xx,
        Rule::Gt => v1::ExpireRule::Gt,
        Rule::Lt => v1::ExpireRule::Lt,
    });
    let given = [
        ttl_ms.map(expire_request::Expiry::TtlMs),
        expires_at_ms.map(expire_request::Expiry::ExpiresAtMs),
        persist.map(expire_request::Expiry::Persist),
    ];
    let expiry = at_most_one(given, "ttl_ms, expires_at_ms, persist")?;
    Ok(v1::ExpireRequest { key: key.0, rule: rule.into(), durability: 0, expiry })
}

fn set_expiry(
    ttl_ms: Option<i64>,
    expires_at_ms: Option<i64>,
    keep_ttl: Option<bool>,
) -> Result<Option<set_request::Expiry>, Problem> {
    let given = [
        ttl_ms.map(set_request::Expiry::TtlMs),
        expires_at_ms.map(set_request::Expiry::ExpiresAtMs),
        // In JSON `false` is what a client sends that always sends every field.
        keep_ttl.filter(|keep| *keep).map(set_request::Expiry::KeepTtl),
    ];
    at_most_one(given, "ttl_ms, expires_at_ms, keep_ttl")
}

fn at_most_one<T>(given: [Option<T>; 3], names: &str) -> Result<Option<T>, Problem> {
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(conflict(format!("at most one of {names} may be given"))),
        (one, None) => Ok(one),
    }
}

/// A version that a key can be at; the messages say 0 for none, which JSON says by leaving it out.
fn version(given: Option<u64>) -> Result<u64, Problem> {
    match given {
        Some(0) => {
            let text = "if_version = 0 is the version of no key: a key that does not exist is asked for with \
                        condition = if_absent";
            Err(conflict(text.to_owned()))
        }
        given => Ok(given.unwrap_or(0)),
    }
}

fn level(durability: Option<Durability>) -> i32 {
    let level = durability.map_or(v1::Durability::Unspecified, |durability| match durability {
        Durability::Memory => v1::Durability::Memory,
        Durability::Buffered => v1::Durability::Buffered,
        Durability::Fsync => v1::Durability::Fsync,
    });
    level.into()
}

fn conflict(detail: String) -> Problem {
    Problem::new(Reason::Contract(v1::ErrorReason::ConflictingFields), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ops(json: &str) -> Result<Vec<v1::Op>, Problem> {
        let batch = batch_request(format!(r#"{{"ops":[{json}]}}"#).as_bytes())?;
        Ok(batch.ops.iter().map(v1::Op::from).collect())
    }

    fn one_op(json: &str) -> op::Op {
        ops(json).unwrap().remove(0).op.unwrap()
    }

    #[test]
    fn every_operation_is_read() {
        let key = Bytes::from_static(b"k");
        let get = v1::GetRequest { key: key.clone() };
        assert_eq!(one_op(r#"{"get":{"key":"k"}}"#), op::Op::Get(get.clone()));
        let encoded = one_op(r#"{"get":{"key":{"base64":"aw=="}}}"#);
        assert_eq!(encoded, op::Op::Get(get));
        assert_eq!(
            one_op(r#"{"exists":{"key":"k"}}"#),
            op::Op::Exists(v1::ExistsRequest { key: key.clone() })
        );
        let increment = v1::IncrementRequest { key: key.clone(), delta: 1, durability: 0 };
        assert_eq!(one_op(r#"{"increment":{"key":"k"}}"#), op::Op::Increment(increment.clone()));
        let by = v1::IncrementRequest { delta: -5, ..increment };
        assert_eq!(one_op(r#"{"increment":{"key":"k","delta":-5}}"#), op::Op::Increment(by));
        let append =
            v1::AppendRequest { key: key.clone(), suffix: Bytes::from_static(b"s"), durability: 0 };
        assert_eq!(one_op(r#"{"append":{"key":"k","suffix":"s"}}"#), op::Op::Append(append));
        let delete = v1::DeleteRequest {
            key: key.clone(),
            if_version: 7,
            return_previous: true,
            durability: 0,
        };
        let json = r#"{"delete":{"key":"k","if_version":7,"return_previous":true}}"#;
        assert_eq!(one_op(json), op::Op::Delete(delete));
        let expire = v1::ExpireRequest {
            key,
            rule: v1::ExpireRule::Gt.into(),
            durability: 0,
            expiry: Some(expire_request::Expiry::TtlMs(5)),
        };
        let json = r#"{"expire":{"key":"k","ttl_ms":5,"rule":"gt"}}"#;
        assert_eq!(one_op(json), op::Op::Expire(expire));
    }

    #[test]
    fn a_set_says_when_and_for_how_long() {
        let set =
            |json: &str| match one_op(&format!(r#"{{"set":{{"key":"k","value":"v"{json}}}}}"#)) {
                op::Op::Set(set) => set,
                other => panic!("{other:?}"),
            };
        let expiry = |json| set(json).expiry;
        assert_eq!(expiry(""), None);
        assert_eq!(expiry(r#","keep_ttl":false"#), None);
        assert_eq!(expiry(r#","keep_ttl":true"#), Some(set_request::Expiry::KeepTtl(true)));
        assert_eq!(expiry(r#","ttl_ms":5,"keep_ttl":false"#), Some(set_request::Expiry::TtlMs(5)));
        assert_eq!(expiry(r#","expires_at_ms":5"#), Some(set_request::Expiry::ExpiresAtMs(5)));
        let condition = |json| (set(json).condition(), set(json).if_version);
        assert_eq!(condition(""), (v1::Condition::Unspecified, 0));
        assert_eq!(condition(r#","condition":"if_absent""#), (v1::Condition::IfAbsent, 0));
        assert_eq!(condition(r#","if_version":7"#), (v1::Condition::IfVersion, 7));
        let both = r#","condition":"if_version","if_version":7"#;
        assert_eq!(condition(both), (v1::Condition::IfVersion, 7));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (json, word) in [
            (r#"{"steal":{"key":"k"}}"#, "steal"),
            (r#"{"get":{"key":"k","value":"v"}}"#, "value"),
            (r#"{"get":{}}"#, "key"),
            (r#"{"get":{"key":1}}"#, "a string, or {\"base64\""),
            (r#"{"set":{"key":"k"}}"#, "value"),
            (r#"{"set":{"key":"k","value":"v","condition":"maybe"}}"#, "if_absent"),
            (
                r#"{"set":{"key":"k","value":"v","ttl_ms":1,"keep_ttl":true}}"#,
                "at most one of ttl_ms",
            ),
            (r#"{"set":{"key":"k","value":"v","if_version":0}}"#, "if_absent"),
            (r#"{"expire":{"key":"k","ttl_ms":1,"persist":true}}"#, "at most one of ttl_ms"),
            (r#"{"expire":{"key":"k","ttl_ms":1,"rule":"eq"}}"#, "nx"),
            (r#"{"expire":{"key":"k","ttl_ms":1.5}}"#, "1.5"),
            (r#"{"get":{"key":"k"},"set":{}}"#, "expected"),
            (r#""get""#, "newtype"),
            ("null", "expected value"),
        ] {
            let problem = ops(json).unwrap_err();
            assert!(problem.detail().contains(word), "{json}: {} lacks {word}", problem.detail());
        }
        for body in ["", "{", "[]", "{}", r#"{"ops":[],"atomik":true}"#, r#"{"ops":[]} x"#] {
            let problem = batch_request(body.as_bytes()).unwrap_err();
            assert_eq!(problem.reason(), Reason::BadBody, "{body}");
        }
    }

    #[test]
    fn bodies_of_one_key_have_no_key() {
        let set = set_request(br#"{"value":"v","ttl_ms":5,"durability":"fsync"}"#).unwrap();
        assert_eq!((&set.value[..], set.durability()), (&b"v"[..], v1::Durability::Fsync));
        assert!(set_request(br#"{"key":"k","value":"v"}"#).is_err());
        assert!(set_request(br#"{"value":"v","condition":"if_absent"}"#).is_err());
        let append = append_request(br#"{"suffix":{"base64":"/w=="}}"#).unwrap();
        assert_eq!(&append.suffix[..], b"\xff");
    }

    #[test]
    fn nesting_ends() {
        let deep = format!(r#"{{"ops":{}"#, "[".repeat(100_000));
        assert_eq!(batch_request(deep.as_bytes()).unwrap_err().reason(), Reason::BadBody);
    }
}

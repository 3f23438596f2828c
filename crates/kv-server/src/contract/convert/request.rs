//! Requests of the wire become operations of the engine, or are refused.

use kv_core::{
    Action, Condition, Deadline, ExpireRule, ExpiryChange, Op, ScanCursor, SetExpiry, StoreError,
    Version,
};
use kv_proto::batch::{OpRef, SetRef};
use kv_proto::v1::{self, expire_request, op as one_of, set_request};

use super::enums;
use crate::contract::refusal::Refusal;
use crate::contract::room::MESSAGE_ROOM_BYTES;

/// A read.
pub(crate) fn get(request: &v1::GetRequest) -> Result<Op<'_>, Refusal> {
    get_key(&request.key)
}

/// A read of one of many keys.
pub(crate) fn get_key(key: &[u8]) -> Result<Op<'_>, Refusal> {
    Ok(Op::new(checked_key(key)?, Action::Get))
}

/// A read of a key's length.
pub(crate) fn exists(request: &v1::ExistsRequest) -> Result<Op<'_>, Refusal> {
    Ok(Op::new(checked_key(&request.key)?, Action::Exists))
}

/// A write. What could not be read back in one message of `message_bytes_max` is refused.
pub(crate) fn set(request: SetRef<'_>, message_bytes_max: usize) -> Result<Op<'_>, Refusal> {
    let key = checked_key(request.key)?;
    let max = message_bytes_max.saturating_sub(MESSAGE_ROOM_BYTES + key.len());
    if request.value.len() > max {
        return Err(Refusal::ValueOverMessage { given: request.value.len(), max });
    }
    let options = request.options;
    let condition = enums::condition(options.condition, options.if_version)?;
    let expiry = match options.expiry {
        None => SetExpiry::Never,
        Some(set_request::Expiry::TtlMs(ms)) => SetExpiry::Deadline(Deadline::after(ms)?),
        Some(set_request::Expiry::ExpiresAtMs(ms)) => SetExpiry::Deadline(Deadline::at(ms)?),
        Some(set_request::Expiry::KeepTtl(true)) => SetExpiry::Keep,
        Some(set_request::Expiry::KeepTtl(false)) => {
            return Err(Refusal::Conflict(
                "keep_ttl = false has no meaning: set it to true, or leave expiry unset so that the key \
                 lives until deleted",
            ));
        }
    };
    let (value, return_previous) = (request.value, options.return_previous);
    Ok(Op { key, condition, action: Action::Set { value, expiry, return_previous } })
}

/// A delete.
pub(crate) fn delete(request: &v1::DeleteRequest) -> Result<Op<'_>, Refusal> {
    let condition = match request.if_version {
        0 => Condition::None,
        version => Condition::IfVersion(Version::new(version)),
    };
    let action = Action::Delete { return_previous: request.return_previous };
    Ok(Op { key: checked_key(&request.key)?, condition, action })
}

/// An increment.
pub(crate) fn increment(request: &v1::IncrementRequest) -> Result<Op<'_>, Refusal> {
    Ok(Op::new(checked_key(&request.key)?, Action::Increment { delta: request.delta }))
}

/// An append.
pub(crate) fn append(request: &v1::AppendRequest) -> Result<Op<'_>, Refusal> {
    Ok(Op::new(checked_key(&request.key)?, Action::Append { suffix: &request.suffix }))
}

/// A change of an expiry.
pub(crate) fn expire(request: &v1::ExpireRequest) -> Result<Op<'_>, Refusal> {
    let key = checked_key(&request.key)?;
    let rule = enums::expire_rule(request.rule)?;
    let change = match request.expiry {
        Some(expire_request::Expiry::TtlMs(ms)) => ExpiryChange::Set(Deadline::after(ms)?, rule),
        Some(expire_request::Expiry::ExpiresAtMs(ms)) => ExpiryChange::Set(Deadline::at(ms)?, rule),
        Some(expire_request::Expiry::Persist(true)) if rule == ExpireRule::Always => {
            ExpiryChange::Persist
        }
        Some(expire_request::Expiry::Persist(true)) => {
            return Err(Refusal::Conflict(
                "persist takes no rule: leave rule unset, or give ttl_ms or expires_at_ms instead of \
                 persist",
            ));
        }
        Some(expire_request::Expiry::Persist(false)) => {
            return Err(Refusal::Conflict(
                "persist = false has no meaning: set it to true, or give ttl_ms or expires_at_ms \
                 instead",
            ));
        }
        None => {
            return Err(Refusal::Conflict(
                "expiry is missing: give one of ttl_ms, expires_at_ms, persist",
            ));
        }
    };
    Ok(Op::new(key, Action::Expire(change)))
}

/// The removal of an expiry.
pub(crate) fn persist(request: &v1::PersistRequest) -> Result<Op<'_>, Refusal> {
    Ok(Op::new(checked_key(&request.key)?, Action::Expire(ExpiryChange::Persist)))
}

/// One operation of a batch. Its own durability is ignored, as the contract says.
pub(crate) fn op(op: OpRef<'_>, message_bytes_max: usize) -> Result<Op<'_>, Refusal> {
    match op {
        OpRef::Get(key) => get_key(key),
        OpRef::Set(request) => set(request, message_bytes_max),
        OpRef::Other(op) => other(op, message_bytes_max),
    }
}

fn other(op: &v1::Op, message_bytes_max: usize) -> Result<Op<'_>, Refusal> {
    match &op.op {
        Some(one_of::Op::Get(request)) => get(request),
        Some(one_of::Op::Set(request)) => set(request.into(), message_bytes_max),
        Some(one_of::Op::Delete(request)) => delete(request),
        Some(one_of::Op::Exists(request)) => exists(request),
        Some(one_of::Op::Increment(request)) => increment(request),
        Some(one_of::Op::Append(request)) => append(request),
        Some(one_of::Op::Expire(request)) => expire(request),
        None => Err(Refusal::Conflict(
            "operation is missing: give one of get, set, delete, exists, increment, append, expire",
        )),
    }
}

/// Where a scan resumes; `None` starts it.
pub(crate) fn scan_cursor(bytes: &[u8]) -> Result<Option<ScanCursor>, StoreError> {
    if bytes.is_empty() { Ok(None) } else { ScanCursor::decode(bytes).map(Some) }
}

fn checked_key(key: &[u8]) -> Result<&[u8], Refusal> {
    if key.is_empty() { Err(Refusal::KeyEmpty) } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use v1::ErrorReason;

    use super::*;

    const KEY: Bytes = Bytes::from_static(b"k");
    const MESSAGE_BYTES_MAX: usize = 4096;

    /// Proves that the operation is refused for the reason, with every one of the words.
    fn refused(one_of: one_of::Op, reason: ErrorReason, words: &[&str]) {
        let request = v1::Op { op: Some(one_of) };
        let refusal = op(OpRef::Other(&request), MESSAGE_BYTES_MAX).expect_err("a refusal");
        let error = v1::OpError::from(refusal);
        assert_eq!(error.reason(), reason, "{}", error.message);
        for word in words {
            assert!(error.message.contains(word), "{} lacks {word}", error.message);
        }
    }

    fn set_of(expiry: Option<set_request::Expiry>) -> one_of::Op {
        one_of::Op::Set(v1::SetRequest { key: KEY, expiry, ..Default::default() })
    }

    fn expire_of(expiry: Option<expire_request::Expiry>, rule: v1::ExpireRule) -> one_of::Op {
        let rule = rule.into();
        one_of::Op::Expire(v1::ExpireRequest { key: KEY, expiry, rule, durability: 0 })
    }

    #[test]
    fn an_empty_key_is_refused_whatever_the_operation() {
        for one_of in [
            one_of::Op::Get(v1::GetRequest::default()),
            one_of::Op::Set(v1::SetRequest::default()),
            one_of::Op::Delete(v1::DeleteRequest::default()),
            one_of::Op::Exists(v1::ExistsRequest::default()),
            one_of::Op::Increment(v1::IncrementRequest::default()),
            one_of::Op::Append(v1::AppendRequest::default()),
            one_of::Op::Expire(v1::ExpireRequest::default()),
        ] {
            refused(one_of, ErrorReason::KeyEmpty, &["at least 1 byte"]);
        }
        assert!(matches!(persist(&v1::PersistRequest::default()), Err(Refusal::KeyEmpty)));
    }

    #[test]
    fn expiries_out_of_range_are_refused() {
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            let reason = ErrorReason::ExpiryOutOfRange;
            let words = [ms.to_string(), "at least 1 ms".to_owned()];
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            refused(set_of(Some(set_request::Expiry::TtlMs(ms))), reason, &words);
            refused(set_of(Some(set_request::Expiry::ExpiresAtMs(ms))), reason, &words);
            for expiry in
                [expire_request::Expiry::TtlMs(ms), expire_request::Expiry::ExpiresAtMs(ms)]
            {
                refused(expire_of(Some(expiry), v1::ExpireRule::Unspecified), reason, &words);
            }
        }
    }

    #[test]
    fn contradicting_fields_are_refused() {
        let reason = ErrorReason::ConflictingFields;
        refused(set_of(Some(set_request::Expiry::KeepTtl(false))), reason, &["keep_ttl", "true"]);
        let persist = |yes| Some(expire_request::Expiry::Persist(yes));
        refused(expire_of(persist(true), v1::ExpireRule::Nx), reason, &["persist", "rule"]);
        refused(
            expire_of(persist(false), v1::ExpireRule::Unspecified),
            reason,
            &["persist = false"],
        );
        refused(expire_of(None, v1::ExpireRule::Unspecified), reason, &["ttl_ms", "expires_at_ms"]);
        let missing = op(OpRef::Other(&v1::Op { op: None }), MESSAGE_BYTES_MAX).unwrap_err();
        assert!(matches!(missing, Refusal::Conflict(message) if message.contains("increment")));
    }

    #[test]
    fn a_value_that_no_answer_could_carry_is_refused_and_one_byte_less_is_not() {
        let max = MESSAGE_BYTES_MAX - MESSAGE_ROOM_BYTES - KEY.len();
        let value = |len| Bytes::from(vec![b'x'; len]);
        let longest = v1::SetRequest { key: KEY, value: value(max), ..Default::default() };
        set(SetRef::from(&longest), MESSAGE_BYTES_MAX).unwrap();
        let longer = v1::SetRequest { value: value(max + 1), ..longest };
        let words = [max.to_string(), "limits.message_bytes_max".to_owned()];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        refused(one_of::Op::Set(longer), ErrorReason::ValueTooLong, &words);
    }

    #[test]
    fn what_is_asked_reaches_the_engine() {
        let request = v1::SetRequest {
            key: KEY,
            value: Bytes::from_static(b"v"),
            condition: v1::Condition::IfVersion.into(),
            if_version: 7,
            return_previous: true,
            durability: 99,
            expiry: Some(set_request::Expiry::KeepTtl(true)),
        };
        let asked = v1::Op { op: Some(one_of::Op::Set(request)) };
        let wanted = Op {
            key: b"k",
            condition: Condition::IfVersion(Version::new(7)),
            action: Action::Set { value: b"v", expiry: SetExpiry::Keep, return_previous: true },
        };
        assert_eq!(
            op(OpRef::Other(&asked), MESSAGE_BYTES_MAX).unwrap(),
            wanted,
            "and durability is ignored"
        );
    }

    #[test]
    fn a_cursor_is_absent_or_whole() {
        assert_eq!(scan_cursor(b""), Ok(None));
        assert_eq!(scan_cursor(b"x"), Err(StoreError::CursorInvalid));
    }
}

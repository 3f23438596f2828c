//! What an operation means: a pure function from a key's state to the state that follows.
//!
//! Everything that executes operations, alone or in a batch, asks here, so that each has one meaning.

use std::borrow::Cow;

use bytes::Bytes;

use crate::error::StoreError;
use crate::limits::Limits;
use crate::types::{
    Action, Deadline, ExpireRule, ExpiryChange, Op, Payload, SetExpiry, UnixMillis, Version,
};

/// An existing key as an operation sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) version: Version,
    pub(crate) expiry: Option<UnixMillis>,
    pub(crate) value: Stored<'a>,
}

/// A stored value, and how a copy of it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored<'a> {
    /// To be copied.
    Owned(&'a [u8]),
    /// To be shared by reference count.
    Shared(&'a Bytes),
}

impl<'a> Stored<'a> {
    pub(crate) fn as_slice(self) -> &'a [u8] {
        match self {
            Self::Owned(value) => value,
            Self::Shared(value) => value,
        }
    }

    pub(crate) fn to_bytes(self) -> Bytes {
        match self {
            Self::Owned(value) => Bytes::copy_from_slice(value),
            Self::Shared(value) => value.clone(),
        }
    }
}

/// What becomes of a key, and the answer.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) applied: bool,
    pub(crate) plan: Plan<'a>,
    pub(crate) payload: Payload,
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan<'a> {
    /// It stays as it is.
    Keep,
    /// It has this value and expiry.
    Put { value: Cow<'a, [u8]>, expiry: Option<UnixMillis> },
    /// An existing key has this expiry.
    Touch { expiry: Option<UnixMillis> },
    /// An existing key goes.
    Remove,
}

impl<'a> Verdict<'a> {
    fn keep(applied: bool, payload: Payload) -> Self {
        Self { applied, plan: Plan::Keep, payload }
    }

    fn change(plan: Plan<'a>, payload: Payload) -> Self {
        Self { applied: true, plan, payload }
    }
}

/// Decides what an operation does to a key that looks like `view`, or does not exist, at `now`.
///
/// `view` must not be expired at `now`. Nothing is changed.
pub(crate) fn evaluate<'a>(
    op: &Op<'a>,
    view: Option<View<'_>>,
    now: UnixMillis,
    limits: &Limits,
) -> Result<Verdict<'a>, StoreError> {
    if !op.condition.holds(view.map(|view| view.version)) {
        return Ok(Verdict::keep(false, previous(op, view)));
    }
    match op.action {
        Action::Get => {
            let payload = view.map_or(Payload::None, |view| Payload::Value(view.value.to_bytes()));
            Ok(Verdict::keep(view.is_some(), payload))
        }
        Action::Exists => {
            let length = |view: View<'_>| Payload::Length(view.value.as_slice().len() as u64);
            Ok(Verdict::keep(view.is_some(), view.map_or(Payload::None, length)))
        }
        Action::Set { value, expiry, .. } => {
            let payload = previous(op, view);
            Ok(match resolve(expiry, view, now)? {
                Some(expiry) if expiry <= now => end(view, payload),
                expiry => {
                    Verdict::change(Plan::Put { value: Cow::Borrowed(value), expiry }, payload)
                }
            })
        }
        Action::Delete { .. } => Ok(match view {
            Some(_) => Verdict::change(Plan::Remove, previous(op, view)),
            None => Verdict::keep(false, Payload::None),
        }),
        Action::Increment { delta } => increment(delta, view),
        Action::Append { suffix } => append(suffix, view, limits),
        Action::Expire(change) => expire(change, view, now),
    }
}

/// The value before, when the operation asks for it.
fn previous(op: &Op<'_>, view: Option<View<'_>>) -> Payload {
    match (op.action, view) {
        (
            Action::Set { return_previous: true, .. } | Action::Delete { return_previous: true },
            Some(view),
        ) => Payload::Value(view.value.to_bytes()),
        _ => Payload::None,
    }
}

fn resolve(
    expiry: SetExpiry,
    view: Option<View<'_>>,
    now: UnixMillis,
) -> Result<Option<UnixMillis>, StoreError> {
    match expiry {
        SetExpiry::Never => Ok(None),
        SetExpiry::Keep => Ok(view.and_then(|view| view.expiry)),
        SetExpiry::Deadline(deadline) => deadline.resolve(now).map(Some),
    }
}

/// The key's time is already past: it goes, if it is there.
fn end<'a>(view: Option<View<'_>>, payload: Payload) -> Verdict<'a> {
    let plan = if view.is_some() { Plan::Remove } else { Plan::Keep };
    Verdict { applied: true, plan, payload }
}

fn increment<'a>(delta: i64, view: Option<View<'_>>) -> Result<Verdict<'a>, StoreError> {
    let present = view.map_or(Ok(0), |view| parse_integer(view.value.as_slice()))?;
    let sum = present.checked_add(delta).ok_or(StoreError::IntegerOverflow { present, delta })?;
    let value = Cow::Owned(sum.to_string().into_bytes());
    let expiry = view.and_then(|view| view.expiry);
    Ok(Verdict::change(Plan::Put { value, expiry }, Payload::Number(sum)))
}

/// Parses what increment itself would have written: no plus sign, spaces or leading zeros, as in Redis.
fn parse_integer(text: &[u8]) -> Result<i64, StoreError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    std::str::from_utf8(text)
        .ok()
        .filter(|_| canonical)
        .and_then(|text| text.parse().ok())
        .ok_or(StoreError::NotAnInteger)
}

fn append<'a>(
    suffix: &'a [u8],
    view: Option<View<'_>>,
    limits: &Limits,
) -> Result<Verdict<'a>, StoreError> {
    let present = view.map_or(&[][..], |view| view.value.as_slice());
    let total = present.len() + suffix.len();
    limits.check_value(total)?;
    let value = if present.is_empty() {
        Cow::Borrowed(suffix)
    } else {
        Cow::Owned([present, suffix].concat())
    };
    let expiry = view.and_then(|view| view.expiry);
    Ok(Verdict::change(Plan::Put { value, expiry }, Payload::Length(total as u64)))
}

fn expire<'a>(
    change: ExpiryChange,
    view: Option<View<'_>>,
    now: UnixMillis,
) -> Result<Verdict<'a>, StoreError> {
    match change {
        ExpiryChange::Persist => Ok(match view.and_then(|view| view.expiry) {
            Some(_) => Verdict::change(Plan::Touch { expiry: None }, Payload::None),
            None => Verdict::keep(false, Payload::None),
        }),
        ExpiryChange::Set(deadline, rule) => set_expiry(deadline, rule, view, now),
    }
}

fn set_expiry<'a>(
    deadline: Deadline,
    rule: ExpireRule,
    view: Option<View<'_>>,
    now: UnixMillis,
) -> Result<Verdict<'a>, StoreError> {
    let expiry = deadline.resolve(now)?;
    Ok(match view {
        Some(view) if rule.allows(view.expiry, expiry) => {
            if expiry <= now {
                end(Some(view), Payload::None)
            } else {
                Verdict::change(Plan::Touch { expiry: Some(expiry) }, Payload::None)
            }
        }
        _ => Verdict::keep(false, Payload::None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_integers_count() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("+1", None),
            ("01", None),
            ("-0", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("0x1", None),
        ] {
            assert_eq!(parse_integer(text.as_bytes()).ok(), value, "{text:?}");
        }
    }
}

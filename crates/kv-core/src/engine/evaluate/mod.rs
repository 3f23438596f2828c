//! What an operation means: a pure function from a key's state to the state that follows.
//!
//! Everything that executes operations, alone or in a batch, asks here, so that each has one meaning.

mod expiry;
mod number;
mod text;

pub(crate) use number::is_integer;

use std::borrow::Cow;

use super::halt::{Halt, Shortage};
use super::stored::Stored;
use crate::error::StoreError;
use crate::types::{Action, Condition, Op, Payload, UnixMillis, Version};

/// An existing key as an operation sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) version: Version,
    pub(crate) expiry: Option<UnixMillis>,
    pub(crate) value: Stored<'a>,
}

/// Whether a condition holds for a key, or an absent one.
pub(crate) fn holds(condition: Condition<'_>, view: Option<View<'_>>) -> bool {
    match condition {
        // Looked into only where the length is right.
        Condition::IfValue(wanted) => view.is_some_and(|view| view.value.is(wanted)),
        other => other.holds(view.map(|view| (view.version, &[][..]))),
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

/// What no value may pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The longest allowed.
    pub(crate) value_bytes: usize,
    /// What an empty store could take.
    pub(crate) memory: u64,
}

impl Bounds {
    /// Checks the length of a value before it is made.
    fn check(self, length: usize) -> Result<(), Halt> {
        if length > self.value_bytes {
            return Err(StoreError::ValueTooLong { given: length, max: self.value_bytes }.into());
        }
        let total = length as u64;
        if total > self.memory {
            return Err(Halt::NeedsRoom(Shortage { missing: total, total }));
        }
        Ok(())
    }
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
    bounds: &Bounds,
) -> Result<Verdict<'a>, Halt> {
    if !holds(op.condition, view) {
        return Ok(Verdict::keep(false, previous(op, view)));
    }
    decide(op, view, now, bounds)
}

/// The same for an operation whose condition holds.
pub(crate) fn decide<'a>(
    op: &Op<'a>,
    view: Option<View<'_>>,
    now: UnixMillis,
    bounds: &Bounds,
) -> Result<Verdict<'a>, Halt> {
    Ok(match op.action {
        Action::Get => {
            let payload = view.map_or(Payload::None, |view| Payload::Value(view.value.to_value()));
            Verdict::keep(view.is_some(), payload)
        }
        Action::Exists => {
            let length = |view: View<'_>| Payload::Length(view.value.len() as u64);
            Verdict::keep(view.is_some(), view.map_or(Payload::None, length))
        }
        Action::Deadline => {
            let expiry = view.and_then(|view| view.expiry);
            Verdict::keep(view.is_some(), expiry.map_or(Payload::None, Payload::Deadline))
        }
        Action::GetExpire(change) => expiry::get_expire(change, view, now)?,
        Action::Set { value, expiry, .. } => {
            let payload = previous(op, view);
            match expiry::resolve(expiry, view, now)? {
                Some(expiry) if expiry <= now => expiry::end(view, payload),
                expiry => {
                    Verdict::change(Plan::Put { value: Cow::Borrowed(value), expiry }, payload)
                }
            }
        }
        Action::Delete { .. } if view.is_some() => {
            Verdict::change(Plan::Remove, previous(op, view))
        }
        Action::Delete { .. } => Verdict::keep(false, Payload::None),
        Action::Increment { delta } => number::increment(delta, view)?,
        Action::IncrementFloat { delta } => number::increment_float(delta, view)?,
        Action::Append { suffix } => text::append(suffix, view, bounds)?,
        Action::SetRange { offset, bytes } => text::set_range(offset, bytes, view, bounds)?,
        Action::Expire(change) => expiry::expire(change, view, now)?,
    })
}

/// The value before, when the operation asks for it.
fn previous(op: &Op<'_>, view: Option<View<'_>>) -> Payload {
    match (op.action, view) {
        (
            Action::Set { return_previous: true, .. } | Action::Delete { return_previous: true },
            Some(view),
        ) => Payload::Value(view.value.to_value()),
        _ => Payload::None,
    }
}

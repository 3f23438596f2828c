//! What operations do with the time a key ends.

use super::{Plan, Verdict, View};
use crate::error::StoreError;
use crate::types::{Deadline, ExpireRule, ExpiryChange, Payload, SetExpiry, UnixMillis};

/// The expiry that a `Set` leaves.
pub(super) fn resolve(
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
pub(super) fn end<'a>(view: Option<View<'_>>, payload: Payload) -> Verdict<'a> {
    let plan = if view.is_some() { Plan::Remove } else { Plan::Keep };
    Verdict { applied: true, plan, payload }
}

/// Changes the expiry.
pub(super) fn expire<'a>(
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

/// Answers with the value, and changes the expiry.
pub(super) fn get_expire<'a>(
    change: ExpiryChange,
    view: Option<View<'_>>,
    now: UnixMillis,
) -> Result<Verdict<'a>, StoreError> {
    let verdict = expire(change, view, now)?;
    let payload = view.map_or(Payload::None, |view| Payload::Value(view.value.to_value()));
    Ok(Verdict { applied: view.is_some(), payload, ..verdict })
}

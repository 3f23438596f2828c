//! Changing a part of a value.

use std::borrow::Cow;

use super::{Bounds, Plan, Verdict, View};
use crate::engine::halt::Halt;
use crate::engine::stored::Stored;
use crate::types::Payload;

/// Adds bytes at the end.
pub(super) fn append<'a>(
    suffix: &'a [u8],
    view: Option<View<'_>>,
    bounds: &Bounds,
) -> Result<Verdict<'a>, Halt> {
    let present = view.map_or(Stored::EMPTY, |view| view.value);
    let total = present.len() + suffix.len();
    bounds.check(total)?;
    let value = if present.len() == 0 {
        Cow::Borrowed(suffix)
    } else {
        Cow::Owned(match present.text() {
            Cow::Borrowed(present) => [present, suffix].concat(),
            Cow::Owned(mut present) => {
                present.extend_from_slice(suffix);
                present
            }
        })
    };
    let expiry = view.and_then(|view| view.expiry);
    Ok(Verdict::change(Plan::Put { value, expiry }, Payload::Length(total as u64)))
}

/// Writes bytes over the value from `offset` on.
pub(super) fn set_range<'a>(
    offset: u64,
    bytes: &[u8],
    view: Option<View<'_>>,
    bounds: &Bounds,
) -> Result<Verdict<'a>, Halt> {
    let present = view.map_or(Stored::EMPTY, |view| view.value);
    if bytes.is_empty() {
        return Ok(Verdict::keep(true, Payload::Length(present.len() as u64)));
    }
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = start.saturating_add(bytes.len());
    let total = end.max(present.len());
    bounds.check(total)?;
    let present = present.text();
    let mut value = Vec::with_capacity(total);
    value.extend_from_slice(present.get(..start).unwrap_or(&present));
    value.resize(start, 0);
    value.extend_from_slice(bytes);
    value.extend_from_slice(present.get(end..).unwrap_or_default());
    let expiry = view.and_then(|view| view.expiry);
    let payload = Payload::Length(total as u64);
    Ok(Verdict::change(Plan::Put { value: Cow::Owned(value), expiry }, payload))
}

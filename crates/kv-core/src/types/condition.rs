//! What must hold for an operation to be applied.

use super::{UnixMillis, Version};

/// A precondition on one key: the one-key case of a conditional batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition<'a> {
    /// Always holds.
    #[default]
    None,
    /// The key must not exist.
    IfAbsent,
    /// The key must exist.
    IfPresent,
    /// The key must exist at exactly this version.
    IfVersion(Version),
    /// The key must exist with exactly this value.
    IfValue(&'a [u8]),
}

impl Condition<'_> {
    /// Whether the condition holds for a key with this version and value, or an absent one.
    pub fn holds(self, present: Option<(Version, &[u8])>) -> bool {
        match self {
            Self::None => true,
            Self::IfAbsent => present.is_none(),
            Self::IfPresent => present.is_some(),
            Self::IfVersion(wanted) => present.is_some_and(|(version, _)| version == wanted),
            Self::IfValue(wanted) => present.is_some_and(|(_, value)| value == wanted),
        }
    }
}

/// When an expiry may be changed. A key without expiry counts as living forever, as in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpireRule {
    /// Always.
    #[default]
    Always,
    /// Only when the key has no expiry (`NX`).
    IfNone,
    /// Only when the key has an expiry (`XX`).
    IfSome,
    /// Only when the new expiry is later (`GT`).
    IfLater,
    /// Only when the new expiry is earlier (`LT`).
    IfEarlier,
    /// Only when the key has an expiry and the new one is earlier (`XX LT`).
    IfSomeEarlier,
}

impl ExpireRule {
    /// Whether an expiry may be changed from `present` to `new`.
    pub fn allows(self, present: Option<UnixMillis>, new: UnixMillis) -> bool {
        match self {
            Self::Always => true,
            Self::IfNone => present.is_none(),
            Self::IfSome => present.is_some(),
            Self::IfLater => present.is_some_and(|present| new > present),
            Self::IfEarlier => present.is_none_or(|present| new < present),
            Self::IfSomeEarlier => present.is_some_and(|present| new < present),
        }
    }
}

//! Points in time, and the deadlines that requests set.

use crate::StoreError;

/// The latest expiry: 48 bits of milliseconds since the Unix epoch, in the year 10889.
///
/// The bound leaves an entry layout free to keep an expiry in six bytes.
pub const EXPIRY_MAX_MS: u64 = (1 << 48) - 1;

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// Wraps a raw time.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw time.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Milliseconds from `earlier` to this; 0 when `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// When a key shall end, as a request says it: relative or absolute, checked on construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    After(u64),
    At(u64),
}

impl Deadline {
    /// `ttl_ms` milliseconds after the operation is executed.
    ///
    /// # Errors
    /// [`StoreError::ExpiryOutOfRange`] unless `1 <= ttl_ms <= EXPIRY_MAX_MS`.
    pub fn after(ttl_ms: i64) -> Result<Self, StoreError> {
        checked(ttl_ms).map(|ttl_ms| Self(Kind::After(ttl_ms)))
    }

    /// At a Unix time in milliseconds, which may be in the past.
    ///
    /// # Errors
    /// [`StoreError::ExpiryOutOfRange`] unless `1 <= at_ms <= EXPIRY_MAX_MS`.
    pub fn at(at_ms: i64) -> Result<Self, StoreError> {
        checked(at_ms).map(|at_ms| Self(Kind::At(at_ms)))
    }

    /// The absolute time, for an operation executed at `now`.
    ///
    /// # Errors
    /// [`StoreError::ExpiryOutOfRange`] when a relative deadline ends after [`EXPIRY_MAX_MS`].
    pub fn resolve(self, now: UnixMillis) -> Result<UnixMillis, StoreError> {
        match self.0 {
            Kind::At(at_ms) => Ok(UnixMillis(at_ms)),
            Kind::After(ttl_ms) => now
                .0
                .checked_add(ttl_ms)
                .filter(|at_ms| *at_ms <= EXPIRY_MAX_MS)
                .map(UnixMillis)
                .ok_or(StoreError::ExpiryOutOfRange { given_ms: i128::from(ttl_ms) }),
        }
    }
}

fn checked(millis: i64) -> Result<u64, StoreError> {
    u64::try_from(millis)
        .ok()
        .filter(|millis| (1..=EXPIRY_MAX_MS).contains(millis))
        .ok_or(StoreError::ExpiryOutOfRange { given_ms: i128::from(millis) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_checked_at_both_edges() {
        let max = i64::try_from(EXPIRY_MAX_MS).unwrap();
        for bad in [i64::MIN, -1, 0, max + 1, i64::MAX] {
            assert!(Deadline::after(bad).is_err(), "after {bad}");
            assert!(Deadline::at(bad).is_err(), "at {bad}");
        }
        assert_eq!(Deadline::at(max).unwrap().resolve(UnixMillis(9)).unwrap().get(), EXPIRY_MAX_MS);
        assert_eq!(Deadline::after(1).unwrap().resolve(UnixMillis(9)).unwrap(), UnixMillis(10));
        assert!(Deadline::after(max).unwrap().resolve(UnixMillis(1)).is_err(), "ends too late");
    }
}

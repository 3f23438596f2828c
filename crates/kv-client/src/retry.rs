//! How often and after which pauses a call is repeated.

use std::time::Duration;

use crate::ConfigError;
use crate::limits::ATTEMPTS_MAX;

/// When a failed call is sent again; which calls are is in the crate's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is sent at most, the first time included.
    pub attempts_max: u32,
    /// The pause after the first failure, at most; it doubles with each further failure.
    pub backoff_min: Duration,
    /// The longest pause.
    pub backoff_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
        }
    }
}

impl RetryPolicy {
    /// Sends every call once.
    pub const NONE: Self =
        Self { attempts_max: 1, backoff_min: Duration::ZERO, backoff_max: Duration::ZERO };

    /// Checks the bounds.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.attempts_max == 0 || self.attempts_max > ATTEMPTS_MAX {
            return Err(ConfigError::Attempts { given: self.attempts_max });
        }
        if self.backoff_min > self.backoff_max {
            return Err(ConfigError::Backoff { min: self.backoff_min, max: self.backoff_max });
        }
        Ok(())
    }

    /// Waits before the next attempt.
    #[expect(
        clippy::disallowed_methods,
        reason = "a backoff is a pause by nature: there is no condition to wait for"
    )]
    pub(crate) async fn pause(&self, failures: u32) {
        tokio::time::sleep(self.backoff(failures, fastrand::f64())).await;
    }

    /// The pause after so many failures; `random` from 0 to 1 spreads clients that failed together
    /// over the second half of it.
    fn backoff(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let ceiling = self.backoff_min.saturating_mul(1 << doublings).min(self.backoff_max);
        ceiling.mul_f64(0.5 + random / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_jittered() {
        let policy = RetryPolicy {
            attempts_max: 9,
            backoff_min: Duration::from_millis(10),
            backoff_max: Duration::from_millis(50),
        };
        let check = |failures, low_ms, high_ms| {
            let backoff = |random| policy.backoff(failures, random);
            assert_eq!(backoff(0.0), Duration::from_millis(low_ms), "after {failures}");
            assert_eq!(backoff(1.0), Duration::from_millis(high_ms), "after {failures}");
        };
        check(1, 5, 10);
        check(2, 10, 20);
        check(3, 20, 40);
        check(4, 25, 50);
        check(u32::MAX, 25, 50);
    }

    #[test]
    fn policies_without_an_attempt_or_a_bound_are_refused() {
        let check = |attempts_max, expected: Result<(), ConfigError>| {
            assert_eq!(RetryPolicy { attempts_max, ..RetryPolicy::default() }.check(), expected);
        };
        check(0, Err(ConfigError::Attempts { given: 0 }));
        check(1, Ok(()));
        check(ATTEMPTS_MAX, Ok(()));
        check(ATTEMPTS_MAX + 1, Err(ConfigError::Attempts { given: ATTEMPTS_MAX + 1 }));
        let (min, max) = (Duration::from_secs(2), Duration::from_secs(1));
        let policy = RetryPolicy { attempts_max: 2, backoff_min: min, backoff_max: max };
        assert_eq!(policy.check(), Err(ConfigError::Backoff { min, max }));
        assert_eq!(RetryPolicy::NONE.check(), Ok(()));
    }
}

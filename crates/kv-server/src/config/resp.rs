//! `[resp]`: what only the Redis protocol knows.

use std::time::Duration;

use super::Visitor;
use super::numbers::{Count, OrOff, Span};
use super::setting::{Setting, quote};

/// The longest idle time that Redis knows, in milliseconds.
const IDLE_TIMEOUT_MAX_MS: u64 = i32::MAX as u64 * 1000;

/// `[resp]`: the Redis protocol. These settings can be changed while the server runs, by `CONFIG SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RespSection {
    /// How long a client may send nothing before it is disconnected.
    pub idle_timeout: OrOff<Span<1000, IDLE_TIMEOUT_MAX_MS>>,
    /// From which time on a turn is remembered as slow.
    pub slow_log_threshold: Threshold,
    /// How many slow turns are remembered.
    pub slow_log_entries: Count<0, 10_000>,
}

/// A time from which on something counts, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(Option<Duration>);

impl Threshold {
    /// The time; `None` for never.
    pub const fn get(self) -> Option<Duration> {
        self.0
    }
}

const OFF: &str = "off";

impl Setting for Threshold {
    fn allowed() -> String {
        format!("{OFF} or a time with a unit: us, ms or s")
    }

    fn parse(text: &str) -> Option<Self> {
        if text == OFF {
            return Some(Self(None));
        }
        humantime::parse_duration(text).ok().map(|time| Self(Some(time)))
    }

    fn to_toml(&self) -> String {
        let text = self.0.map(|time| humantime::format_duration(time).to_string());
        quote(text.as_deref().unwrap_or(OFF))
    }
}

impl Default for RespSection {
    fn default() -> Self {
        Self {
            idle_timeout: OrOff::off(),
            slow_log_threshold: Threshold(Some(Duration::from_millis(10))),
            slow_log_entries: Count::new(128),
        }
    }
}

impl RespSection {
    /// Shows every key and its value.
    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.setting("resp.idle_timeout", &mut self.idle_timeout);
        visitor.setting("resp.slow_log_threshold", &mut self.slow_log_threshold);
        visitor.setting("resp.slow_log_entries", &mut self.slow_log_entries);
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::check;
    use super::*;

    #[test]
    fn a_threshold_may_be_zero_and_off() {
        check::<Threshold>(
            &[("off", "\"off\""), ("0s", "\"0s\""), ("10000us", "\"10ms\""), ("7us", "\"7us\"")],
            &["", "never", "-1", "10"],
        );
    }
}

//! `[log]`: what the server writes about itself, and which requests it remembers as slow.

use std::time::Duration;

use super::Visitor;
use super::numbers::Count;
use super::setting::{Setting, quote};
use super::words::{LogFilter, LogFormat};

/// Most slow requests that can be remembered.
const SLOW_ENTRIES_MAX: u64 = 10_000;

/// `[log]`. What concerns slow requests can be changed while the server runs, by `CONFIG SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSection {
    /// Which lines are written.
    pub level: LogFilter,
    /// How they are written.
    pub format: LogFormat,
    /// From which time on a request is slow.
    pub slow_threshold: Threshold,
    /// How many slow requests are remembered.
    pub slow_entries: Count<0, SLOW_ENTRIES_MAX>,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            level: LogFilter("info".to_owned()),
            format: LogFormat::Text,
            slow_threshold: Threshold(Some(Duration::from_millis(10))),
            slow_entries: Count::new(128),
        }
    }
}

impl LogSection {
    /// Shows every key and its value.
    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.setting("log.level", &mut self.level);
        visitor.setting("log.format", &mut self.format);
        visitor.setting("log.slow_threshold", &mut self.slow_threshold);
        visitor.setting("log.slow_entries", &mut self.slow_entries);
    }
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

//! The text of `INFO`: sections of fields.

use std::fmt::{Display, Write as _};

/// Text that is being written.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.0.extend(["# ", title, "\r\n"]);
    }

    /// Writes a field.
    pub(super) fn field(&mut self, name: impl Display, value: impl Display) {
        // A string takes whatever is written.
        if write!(self.0, "{name}:{value}\r\n").is_err() {}
    }

    /// Writes fields that are all 0: what this server has not, or does not know.
    pub(super) fn zeros(&mut self, names: &[&str]) {
        for name in names {
            self.field(name, 0);
        }
    }

    /// Writes bytes, and once more for people.
    pub(super) fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.field(format_args!("{name}_human"), human(bytes));
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// Bytes for people, as Redis writes them.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let shift = (bytes.ilog2() / 10).max(1);
    let unit = UNITS.get(shift as usize - 1).copied().unwrap_or_default();
    format!("{:.2}{unit}", ratio(bytes, 1 << (10 * shift)))
}

/// One number in terms of another; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "for people, who read a few digits")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_redis_does() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_011_248, "987.55K"),
            (25_276_502_016, "23.54G"),
            (u64::MAX, "16.00E"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}

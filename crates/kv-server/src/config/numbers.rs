//! The numeric settings: counts, sizes in bytes and spans of time, each with its bounds in its type, or off.

use std::time::Duration;

use bytesize::ByteSize;

use super::setting::{Setting, quote};

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    /// The least and the greatest that are allowed.
    pub const fn bounds(self) -> (u64, u64) {
        (MIN, MAX)
    }

    /// A constant of the program, checked against the bounds.
    pub(super) const fn new(number: u64) -> Self {
        assert!(MIN <= number && number <= MAX, "default within bounds");
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number, for sizes of things in memory.
    pub fn as_usize(self) -> usize {
        saturating_usize(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> Setting for Count<MIN, MAX> {
    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number| (MIN..=MAX).contains(number)).map(Self)
    }

    fn to_toml(&self) -> String {
        self.0.to_string()
    }
}

/// A power of two from 1 to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerOfTwo<const MAX: u64>(u64);

impl<const MAX: u64> PowerOfTwo<MAX> {
    /// A constant of the program, checked against the bounds.
    pub(super) const fn new(number: u64) -> Self {
        assert!(number.is_power_of_two() && number <= MAX, "default within bounds");
        Self(number)
    }

    /// The number, for sizes of things in memory.
    pub fn as_usize(self) -> usize {
        saturating_usize(self.0)
    }
}

impl<const MAX: u64> Setting for PowerOfTwo<MAX> {
    fn allowed() -> String {
        format!("a power of two from 1 to {MAX}")
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|n: &u64| n.is_power_of_two() && *n <= MAX).map(Self)
    }

    fn to_toml(&self) -> String {
        self.0.to_string()
    }
}

/// A number of bytes from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    /// The least and the greatest that are allowed.
    pub const fn bounds(self) -> (u64, u64) {
        (MIN, MAX)
    }

    /// A constant of the program, checked against the bounds.
    pub(super) const fn new(bytes: u64) -> Self {
        assert!(MIN <= bytes && bytes <= MAX, "default within bounds");
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of bytes, for sizes of things in memory.
    pub fn as_usize(self) -> usize {
        saturating_usize(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> Setting for Size<MIN, MAX> {
    fn allowed() -> String {
        let most = if MAX == u64::MAX { String::new() } else { format!(" to {}", in_units(MAX)) };
        format!(
            "a number of bytes from {}{most}, plain or with a unit such as KiB, MiB, GiB (powers of \
             1024) or kB, MB, GB (powers of 1000)",
            in_units(MIN)
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = text.parse::<ByteSize>().ok()?.as_u64();
        (MIN..=MAX).contains(&bytes).then_some(Self(bytes))
    }

    fn to_toml(&self) -> String {
        let text = in_units(self.0);
        if text.ends_with('B') { quote(&text) } else { text }
    }
}

/// Exact in the largest unit that divides it, so that writing and reading again changes nothing.
fn in_units(bytes: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    UNITS
        .into_iter()
        .find(|(shift, _)| bytes != 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

/// A span of time from `MIN_MS` to `MAX_MS` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<const MIN_MS: u64, const MAX_MS: u64>(Duration);

impl<const MIN_MS: u64, const MAX_MS: u64> Span<MIN_MS, MAX_MS> {
    const MIN: Duration = Duration::from_millis(MIN_MS);
    const MAX: Duration = Duration::from_millis(MAX_MS);

    /// A constant of the program, checked against the bounds.
    pub(super) const fn from_millis(millis: u64) -> Self {
        assert!(MIN_MS <= millis && millis <= MAX_MS, "default within bounds");
        Self(Duration::from_millis(millis))
    }

    /// The span.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> Setting for Span<MIN_MS, MAX_MS> {
    fn allowed() -> String {
        format!(
            "a time from {} to {}, with a unit: ms, s, m or h",
            humantime::format_duration(Self::MIN),
            humantime::format_duration(Self::MAX)
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let span = humantime::parse_duration(text).ok()?;
        (Self::MIN..=Self::MAX).contains(&span).then_some(Self(span))
    }

    fn to_toml(&self) -> String {
        quote(&humantime::format_duration(self.0).to_string())
    }
}

/// A size or span within its bounds, or zero for "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrOff<T>(Option<T>);

impl<T: Copy> OrOff<T> {
    /// Off.
    pub(super) const fn off() -> Self {
        Self(None)
    }

    /// What is not off.
    pub(super) const fn on(value: T) -> Self {
        Self(Some(value))
    }

    /// The value; `None` for off.
    pub const fn get(self) -> Option<T> {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Setting for OrOff<Size<MIN, MAX>> {
    fn allowed() -> String {
        format!("0 (off) or {}", Size::<MIN, MAX>::allowed())
    }

    fn parse(text: &str) -> Option<Self> {
        let off = text.parse::<ByteSize>().is_ok_and(|size| size.as_u64() == 0);
        if off { Some(Self(None)) } else { Size::parse(text).map(Self::on) }
    }

    fn to_toml(&self) -> String {
        self.0.map_or_else(|| "0".to_owned(), |size| size.to_toml())
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> Setting for OrOff<Span<MIN_MS, MAX_MS>> {
    fn allowed() -> String {
        format!("0s (off) or {}", Span::<MIN_MS, MAX_MS>::allowed())
    }

    fn parse(text: &str) -> Option<Self> {
        let off = humantime::parse_duration(text).is_ok_and(|span| span.is_zero());
        if off { Some(Self(None)) } else { Span::parse(text).map(Self::on) }
    }

    fn to_toml(&self) -> String {
        self.0.map_or_else(|| quote("0s"), |span| span.to_toml())
    }
}

fn saturating_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::setting::check;
    use super::*;

    #[test]
    fn counts_keep_their_bounds() {
        check::<Count<1, 10>>(&[("1", "1"), ("10", "10")], &["0", "11", "-1", "", "1.5", "ten"]);
    }

    #[test]
    fn powers_of_two_keep_their_bounds() {
        check::<PowerOfTwo<16>>(&[("1", "1"), ("16", "16")], &["0", "3", "32", "-2", ""]);
    }

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        check::<Size<0, { u64::MAX }>>(
            &[
                ("0", "0"),
                ("2GiB", "\"2GiB\""),
                ("2147483648", "\"2GiB\""),
                ("1kB", "1000"),
                ("1.5 KiB", "1536"),
                ("1TiB", "\"1TiB\""),
            ],
            &["", "-1", "2GiBs", "many", "1e9"],
        );
        check::<Size<1, 1024>>(&[("1KiB", "\"1KiB\"")], &["0", "1025", "2KiB"]);
    }

    #[test]
    fn sizes_and_spans_can_be_off() {
        check::<OrOff<Size<1024, 2048>>>(
            &[("0", "0"), ("1KiB", "\"1KiB\""), ("2048", "\"2KiB\"")],
            &["", "off", "1", "1023", "2049"],
        );
        check::<OrOff<Span<1000, 2000>>>(
            &[("0s", "\"0s\""), ("0", "\"0s\""), ("1s", "\"1s\""), ("2s", "\"2s\"")],
            &["", "off", "1ms", "999ms", "2001ms"],
        );
    }

    #[test]
    fn spans_need_a_unit_and_keep_their_bounds() {
        check::<Span<1, 60_000>>(
            &[("1ms", "\"1ms\""), ("1m", "\"1m\""), ("1500ms", "\"1s 500ms\"")],
            &["", "20", "0s", "999us", "60001ms", "-1s"],
        );
    }
}

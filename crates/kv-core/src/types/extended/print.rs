//! Writing numbers as C's `printf` does with `%.17Lf`, without the zeros at the end, as Redis does.

use std::fmt::{self, Write as _};

use super::Extended;
use super::natural::Natural;

/// Digits after the point.
const DECIMALS: usize = 17;

/// 10 to the power of [`DECIMALS`].
const DECIMALS_UNIT: u64 = 100_000_000_000_000_000;

/// 10 to the power of the digits that are split off at once.
const PART_UNIT: u64 = 10_u64.pow(PART_DIGITS);

/// As many as fit in a limb.
const PART_DIGITS: u32 = 19;

impl fmt::Display for Extended {
    /// Writes at most 17 digits after the point, rounded to the nearest, ties to even, and no zero at the
    /// end. What comes to `-0` so is written as `0`. At most 4,951 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        if !self.is_finite() {
            return write!(f, "{sign}inf");
        }
        let below_point = u32::from(self.exponent.min(0).unsigned_abs());
        let (whole, decimals) = split(self.mantissa, below_point);
        match (whole, decimals) {
            (0, 0) => f.write_str("0"),
            (whole, 0) if self.exponent <= 0 => write!(f, "{sign}{whole}"),
            (_, 0) => write!(f, "{sign}{}", shifted(self.mantissa, self.exponent.unsigned_abs())),
            (whole, decimals) => {
                let decimals = format!("{decimals:0DECIMALS$}");
                write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
            }
        }
    }
}

/// Divides by 2^`exponent`: the whole part, and the decimals as a number.
fn split(mantissa: u64, exponent: u32) -> (u64, u64) {
    let whole = mantissa.checked_shr(exponent).unwrap_or(0);
    let fraction = mantissa - whole.checked_shl(exponent).unwrap_or(0);
    // Below 2^64 * 10^17, which is below 2^121: with exponents from 122 on, it rounds to nothing.
    let scaled = u128::from(fraction) * u128::from(DECIMALS_UNIT);
    let decimals = scaled.checked_shr(exponent).unwrap_or(0);
    let rest = scaled - decimals.checked_shl(exponent).unwrap_or(0);
    let half = exponent.checked_sub(1).and_then(|bits| 1_u128.checked_shl(bits));
    let half = half.unwrap_or(u128::MAX);
    let up = rest > half || rest == half && decimals % 2 == 1;
    match u64::try_from(decimals).unwrap_or(0) + u64::from(up) {
        DECIMALS_UNIT => (whole + 1, 0),
        decimals => (whole, decimals),
    }
}

/// The digits of a number times 2^`exponent`.
fn shifted(mantissa: u64, exponent: u16) -> String {
    let mut number = Natural::from(mantissa);
    number.shift_up(usize::from(exponent));
    let mut parts = Vec::new();
    while !number.is_zero() {
        parts.push(number.divide(PART_UNIT));
    }
    let mut parts = parts.into_iter().rev();
    let mut text = parts.next().unwrap_or(0).to_string();
    for part in parts {
        write!(text, "{part:0width$}", width = PART_DIGITS as usize).expect("a string takes all");
    }
    text
}

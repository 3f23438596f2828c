//! Sums in extended precision.

use super::{Extended, Unrounded};

/// By how much the larger number is moved up to be added exactly: with a bit for the carry, it fills the
/// 128 bits.
const ALIGN_BITS_MAX: u32 = 63;

impl Extended {
    /// The sum; `None` when it is infinite or none at all.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if !self.is_finite() || !other.is_finite() {
            return None;
        }
        Some(self.add_finite(other)).filter(|sum| sum.is_finite())
    }

    fn add_finite(self, other: Self) -> Self {
        let (large, small) = if (self.exponent, self.mantissa) >= (other.exponent, other.mantissa) {
            (self, other)
        } else {
            (other, self)
        };
        let apart = u32::from(large.exponent.abs_diff(small.exponent));
        let up = apart.min(ALIGN_BITS_MAX);
        let down = apart - up;
        let addend = u128::from(small.mantissa).checked_shr(down).unwrap_or(0);
        let has_rest = addend.checked_shl(down) != Some(u128::from(small.mantissa));
        let whole = u128::from(large.mantissa) << up;
        let head = if large.negative == small.negative {
            whole + addend
        } else {
            // What is taken away is more than `addend` by the rest.
            whole - addend - u128::from(has_rest)
        };
        let exponent = i64::from(large.exponent) - i64::from(up);
        // Of numbers that cancel each other, and of zeros with different signs, the sum is above zero.
        let negative = large.negative && (head != 0 || small.negative);
        Self::round(negative, Unrounded { head, has_rest, exponent })
    }
}

//! Numbers in extended precision: the 80-bit format of the x87, computed in software.
//!
//! Redis keeps the numbers of `INCRBYFLOAT` in the C compiler's `long double`, which on x86-64 is this
//! format. What it reads, adds and prints comes out bit for bit alike here, on any machine: each result is
//! exact but for one rounding to the nearest number there is, ties to even.

mod add;
mod natural;
mod parse;
mod print;

pub use parse::FLOAT_TEXT_BYTES_MAX;

/// A finite number or infinity in extended precision: 64 bits of mantissa, 15 of exponent.
///
/// Equal are numbers with the same value and sign: the two zeros differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    /// The number is `mantissa * 2^exponent`. The highest bit is set unless the exponent is the least.
    mantissa: u64,
    /// From [`EXPONENT_MIN`] to [`EXPONENT_MAX`], or [`EXPONENT_INFINITE`].
    exponent: i16,
}

/// The exponent of zero and of the smallest numbers.
const EXPONENT_MIN: i16 = -16445;

/// The exponent of the largest finite numbers.
const EXPONENT_MAX: i16 = 16320;

/// What stands for infinity.
const EXPONENT_INFINITE: i16 = EXPONENT_MAX + 1;

/// A positive number as it comes out of a computation, before it is rounded: `(head + rest) *
/// 2^exponent`, where `rest` is less than one.
#[derive(Debug, Clone, Copy)]
struct Unrounded {
    /// At least 65 bits long, unless there is no rest.
    head: u128,
    /// Whether the rest is above zero.
    has_rest: bool,
    exponent: i64,
}

/// A length as an exponent. Lengths here are at most those of texts and numbers that are read.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

impl Extended {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, mantissa: 0, exponent: EXPONENT_MIN };

    const fn infinity(negative: bool) -> Self {
        Self { negative, mantissa: 0, exponent: EXPONENT_INFINITE }
    }

    /// Whether this is a number, not infinity.
    pub const fn is_finite(self) -> bool {
        self.exponent != EXPONENT_INFINITE
    }

    const fn is_zero(self) -> bool {
        self.mantissa == 0 && self.is_finite()
    }

    /// The nearest number there is, of two equally near ones the even one.
    fn round(negative: bool, exact: Unrounded) -> Self {
        let Unrounded { head, has_rest, exponent } = exact;
        if head == 0 {
            return Self { negative, ..Self::ZERO };
        }
        let length = i64::from(u128::BITS - head.leading_zeros());
        // As much as the mantissa is too long, or the exponent too small. If negative, there are zeros to
        // be added.
        let cut = (length - 64).max(i64::from(EXPONENT_MIN) - exponent);
        let mut kept = match u32::try_from(cut) {
            Err(_nothing_to_cut) => head << cut.unsigned_abs(),
            Ok(0) => head,
            Ok(cut) => {
                let kept = head.checked_shr(cut).unwrap_or(0);
                let below = head - kept.checked_shl(cut).unwrap_or(0);
                let half = 1_u128.checked_shl(cut - 1).unwrap_or(u128::MAX);
                let at_half = below == half && cut <= u128::BITS;
                kept + u128::from(below > half || at_half && (has_rest || kept % 2 == 1))
            }
        };
        let mut exponent = exponent + cut;
        if kept > u128::from(u64::MAX) {
            (kept, exponent) = (kept / 2, exponent + 1);
        }
        match (u64::try_from(kept), i16::try_from(exponent)) {
            (Ok(mantissa), Ok(exponent)) if exponent <= EXPONENT_MAX => {
                Self { negative, mantissa, exponent }
            }
            _ => Self::infinity(negative),
        }
    }
}

//! Reading numbers as C's `strtold` does, and Redis after it.

use super::natural::Natural;
use super::{Extended, Unrounded, signed};
use crate::error::StoreError;

/// The longest text that is read as a number: what Redis has room for.
pub const FLOAT_TEXT_BYTES_MAX: usize = 5 * 1024 - 1;

/// Above every power of ten there is: 10^4932.
const DECIMAL_EXPONENT_MAX: i64 = 4932;

/// Below half the smallest number there is: 10^-4951.
const DECIMAL_EXPONENT_MIN: i64 = -4952;

/// Exponents are read up to here: far beyond what any digits could make up for.
const EXPONENT_READ_MAX: i64 = 1_000_000;

/// A number as it is written.
struct Written<'a> {
    /// Digits before and after the point.
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl Extended {
    /// Reads a whole text as a number: decimal or, after `0x`, hexadecimal; `inf` and `infinity` too.
    ///
    /// # Errors
    /// [`StoreError::NotAFloat`] for anything else: no number, something before or after it, more than
    /// [`FLOAT_TEXT_BYTES_MAX`] bytes, or a number that is out of range; one so small that it would be
    /// rounded to zero is.
    pub fn parse(text: &[u8]) -> Result<Self, StoreError> {
        parse(text).ok_or(StoreError::NotAFloat)
    }
}

fn parse(text: &[u8]) -> Option<Extended> {
    if text.len() > FLOAT_TEXT_BYTES_MAX {
        return None;
    }
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if [&b"inf"[..], b"infinity"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Some(Extended::infinity(negative));
    }
    let exact = match text {
        [b'0', b'x' | b'X', digits @ ..] => {
            hexadecimal(&Written::read(digits, u8::is_ascii_hexdigit, b'p')?)
        }
        digits => decimal(&Written::read(digits, u8::is_ascii_digit, b'e')?)?,
    };
    let number = Extended::round(negative, exact);
    let vanished = number.is_zero() && exact.head != 0;
    (number.is_finite() && !vanished).then_some(number)
}

impl<'a> Written<'a> {
    /// Reads digits with at most one point, then perhaps `mark` and an exponent, up to the end.
    fn read(text: &'a [u8], is_digit: fn(&u8) -> bool, mark: u8) -> Option<Self> {
        let digits = |text: &'a [u8]| {
            text.split_at(text.iter().position(|byte| !is_digit(byte)).unwrap_or(text.len()))
        };
        let (whole, rest) = digits(text);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => digits(rest),
            _ => (&[][..], rest),
        };
        let exponent = match rest {
            [] => 0,
            [byte, rest @ ..] if byte.eq_ignore_ascii_case(&mark) => read_exponent(rest)?,
            _ => return None,
        };
        (whole.len() + fraction.len() > 0).then_some(Self { whole, fraction, exponent })
    }

    /// All digits, without leading zeros.
    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied().skip_while(|digit| *digit == b'0')
    }

    /// The exponent that the last digit counts with, if a digit is worth `digit_exponent` more than the
    /// next.
    fn last_exponent(&self, digit_exponent: i64) -> i64 {
        self.exponent - signed(self.fraction.len()) * digit_exponent
    }
}

fn read_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_READ_MAX);
    Some(sign * digits.iter().fold(0, add))
}

/// The number, or `None` when it is out of range by far.
fn decimal(written: &Written<'_>) -> Option<Unrounded> {
    let mut number = Natural::from(0);
    let mut length = 0;
    for digit in written.digits() {
        number.multiply_add(10, u64::from(digit - b'0'));
        length += 1;
    }
    let exponent = written.last_exponent(1);
    if length == 0 {
        return Some(number.unrounded(0));
    }
    if !(DECIMAL_EXPONENT_MIN..=DECIMAL_EXPONENT_MAX).contains(&(exponent + length - 1)) {
        return None;
    }
    let power = u32::try_from(exponent.unsigned_abs()).ok()?;
    // 10^n = 5^n * 2^n, and a power of two costs nothing.
    Some(if exponent >= 0 {
        number.multiply_power(5, power);
        number.unrounded(exponent)
    } else {
        let mut divisor = Natural::from(1);
        divisor.multiply_power(5, power);
        let quotient = number.divided_by(divisor);
        Unrounded { exponent: quotient.exponent + exponent, ..quotient }
    })
}

fn hexadecimal(written: &Written<'_>) -> Unrounded {
    let mut exact = Unrounded { head: 0, has_rest: false, exponent: written.last_exponent(4) };
    for digit in written.digits() {
        let digit = char::from(digit).to_digit(16).unwrap_or(0);
        if exact.head.leading_zeros() >= 4 {
            exact.head = exact.head << 4 | u128::from(digit);
        } else {
            exact.has_rest |= digit != 0;
            exact.exponent += 4;
        }
    }
    exact
}

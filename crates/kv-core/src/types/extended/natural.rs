//! Whole numbers of any length: as much of them as reading and printing numbers takes.

use std::cmp::Ordering;

use super::{Unrounded, signed};

const LIMB_BITS: usize = u64::BITS as usize;

/// A whole number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Natural {
    /// Lowest first. The highest is not zero.
    limbs: Vec<u64>,
}

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        Self { limbs: if number == 0 { Vec::new() } else { vec![number] } }
    }
}

impl Natural {
    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// How many bits it takes to write.
    fn bits(&self) -> usize {
        let last = self.limbs.last().map_or(0, |limb| limb.leading_zeros() as usize);
        self.limbs.len() * LIMB_BITS - last
    }

    /// Replaces the number by its multiple plus something.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
    pub(super) fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = u128::from(addend);
        for limb in &mut self.limbs {
            carry += u128::from(*limb) * u128::from(factor);
            *limb = carry as u64;
            carry >>= LIMB_BITS;
        }
        if carry > 0 {
            self.limbs.push(carry as u64);
        }
    }

    /// Multiplies with a power.
    pub(super) fn multiply_power(&mut self, base: u64, mut exponent: u32) {
        let at_once = u64::MAX.ilog(base);
        while exponent > 0 {
            let step = exponent.min(at_once);
            self.multiply_add(base.pow(step), 0);
            exponent -= step;
        }
    }

    /// Replaces the number by the quotient, and tells the remainder.
    #[expect(clippy::cast_possible_truncation, reason = "quotient and remainder are below 2^64")]
    pub(super) fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest = 0;
        for limb in self.limbs.iter_mut().rev() {
            let part = rest << LIMB_BITS | u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        self.trim();
        rest as u64
    }

    /// Multiplies with 2^`bits`.
    pub(super) fn shift_up(&mut self, bits: usize) {
        let (limbs, bits) = (bits / LIMB_BITS, bits % LIMB_BITS);
        self.multiply_add(1 << bits, 0);
        if !self.is_zero() {
            self.limbs.splice(0..0, std::iter::repeat_n(0, limbs));
        }
    }

    /// Takes away a number that is not greater.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        let others = other.limbs.iter().copied().chain(std::iter::repeat(0));
        for (limb, other) in self.limbs.iter_mut().zip(others) {
            let (difference, first) = limb.overflowing_sub(other);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (difference, first || second);
        }
        debug_assert!(!borrow, "a greater number was taken away");
        self.trim();
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    /// The number times 2^`exponent`, to be rounded.
    pub(super) fn unrounded(&self, exponent: i64) -> Unrounded {
        let mut highest = self.limbs.iter().rev();
        let mut next = || u128::from(highest.next().copied().unwrap_or(0));
        let head = next() << LIMB_BITS | next();
        let has_rest = highest.any(|limb| *limb != 0);
        let below_head = signed(self.limbs.len() * LIMB_BITS) - i64::from(u128::BITS);
        let exponent = exponent + below_head;
        Unrounded { head, has_rest, exponent }
    }

    /// The number divided by another, to be rounded.
    pub(super) fn divided_by(mut self, mut divisor: Self) -> Unrounded {
        // Aligned so that the quotient is between a half and two, of which 67 bits are enough.
        let (bits, divisor_bits) = (self.bits(), divisor.bits());
        self.shift_up(divisor_bits.saturating_sub(bits));
        divisor.shift_up(bits.saturating_sub(divisor_bits));
        let (mut head, fraction_bits) = (0, 66);
        for step in 0..=fraction_bits {
            if step > 0 {
                self.multiply_add(2, 0);
            }
            head <<= 1;
            if self >= divisor {
                self.subtract(&divisor);
                head |= 1;
            }
        }
        let exponent = signed(bits) - signed(divisor_bits) - fraction_bits;
        Unrounded { head, has_rest: !self.is_zero(), exponent }
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

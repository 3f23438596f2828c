//! How a small block keeps its version and its expiry in the 16 bytes that every block has.
//!
//! Both are counted from [`EPOCH_MS`], so that they take 49 and 39 bits until the year 2041. What does not fit, or
//! belongs to a larger block, is laid out as `header` says. Nothing that is stored on disk knows of this.

use crate::eviction::PolicyBits;

/// What times are counted from: November 2023. A later release may move it on.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// What versions are counted from: they begin at the clock (ADR-0003).
const EPOCH_MICROS: u64 = EPOCH_MS * 1000;

const VERSION_BITS: u32 = 49;
const EXPIRY_BITS: u32 = 39;
const BLOCK_LENGTH_BITS: u32 = 9;
const KEY_LENGTH_BITS: u32 = 6;

/// Bits of the expiry beside the version; the others are behind the policy's bits.
const EXPIRY_LOW_BITS: u32 = u64::BITS - VERSION_BITS;
const EXPIRY_HIGH_BITS: u32 = EXPIRY_BITS - EXPIRY_LOW_BITS;

/// In the second word, in front of the policy's bits, there are the upper bits of the expiry, and the lengths.
const EXPIRY_HIGH_AT: u32 = PolicyBits::BITS;
const LENGTHS_AT: u32 = EXPIRY_HIGH_AT + EXPIRY_HIGH_BITS;

/// Set in the upper half of the second word of a packed block; clear in any other.
pub(super) const IS_PACKED: u32 = 1 << 31;

const _: () = assert!(
    LENGTHS_AT + BLOCK_LENGTH_BITS + KEY_LENGTH_BITS == 63,
    "all of it takes two words, but for one bit"
);

/// What is kept as the version of an entry that has none yet: one that fits.
pub(super) const NO_VERSION: u64 = EPOCH_MICROS;

/// Whether a version can be packed.
#[inline]
pub(super) const fn fits_version(version: u64) -> bool {
    version.wrapping_sub(EPOCH_MICROS) >> VERSION_BITS == 0
}

/// Whether a time in milliseconds can be packed.
#[inline]
pub(super) const fn fits_expiry(expiry: u64) -> bool {
    expiry.wrapping_sub(EPOCH_MS) >> EXPIRY_BITS == 0
}

/// Whether lengths can be packed, of a block and of its key.
#[inline]
pub(super) const fn fits_lengths(block_len: usize, key_len: usize) -> bool {
    block_len >> BLOCK_LENGTH_BITS == 0 && key_len >> KEY_LENGTH_BITS == 0
}

/// The two words of a packed block. Everything must fit.
#[inline]
pub(super) const fn pack(
    (version, expiry): (u64, u64),
    policy_bits: PolicyBits,
    (block_len, key_len): (usize, usize),
) -> (u64, u64) {
    debug_assert!(fits_version(version) && fits_expiry(expiry) && fits_lengths(block_len, key_len));
    let (version, expiry) = (version - EPOCH_MICROS, expiry - EPOCH_MS);
    let lengths = (block_len | key_len << BLOCK_LENGTH_BITS) as u64;
    let high = expiry >> EXPIRY_LOW_BITS << EXPIRY_HIGH_AT;
    let second =
        policy_bits.0 as u64 | high | lengths << LENGTHS_AT | (IS_PACKED as u64) << u32::BITS;
    (version | expiry << VERSION_BITS, second)
}

/// The first word with another version, which must fit.
#[inline]
pub(super) const fn with_version(first: u64, version: u64) -> u64 {
    debug_assert!(fits_version(version));
    first >> VERSION_BITS << VERSION_BITS | (version - EPOCH_MICROS)
}

/// The version.
#[inline]
pub(super) const fn version(first: u64) -> u64 {
    (first & ((1 << VERSION_BITS) - 1)) + EPOCH_MICROS
}

/// The time in milliseconds.
#[inline]
pub(super) const fn expiry(first: u64, second: u64) -> u64 {
    let high = second >> EXPIRY_HIGH_AT & ((1 << EXPIRY_HIGH_BITS) - 1);
    (first >> VERSION_BITS | high << EXPIRY_LOW_BITS) + EPOCH_MS
}

/// The lengths of the block and of its key, from the upper half of the second word.
#[inline]
pub(super) const fn lengths(upper: u32) -> (usize, usize) {
    let lengths = (upper >> (LENGTHS_AT - u32::BITS)) as usize;
    let key_len = lengths >> BLOCK_LENGTH_BITS & ((1 << KEY_LENGTH_BITS) - 1);
    (lengths & ((1 << BLOCK_LENGTH_BITS) - 1), key_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_MAX: u64 = EPOCH_MICROS + (1 << VERSION_BITS) - 1;
    const EXPIRY_MAX: u64 = EPOCH_MS + (1 << EXPIRY_BITS) - 1;

    #[test]
    fn each_field_at_its_edges_leaves_the_others_alone() {
        let bits = |bits: u32| PolicyBits(bits);
        for version in [EPOCH_MICROS, EPOCH_MICROS + 1, VERSION_MAX] {
            for at in [EPOCH_MS, EPOCH_MS + 0x7FFF, EPOCH_MS + 0x8000, EXPIRY_MAX] {
                for policy in [bits(0), bits(1), PolicyBits::MAX] {
                    for sizes in [(16, 0), (511, 0), (79, 63), (511, 63), (256, 32)] {
                        let (first, second) = pack((version, at), policy, sizes);
                        assert_eq!(super::version(first), version);
                        assert_eq!(expiry(first, second), at);
                        assert_eq!(lengths((second >> u32::BITS) as u32), sizes);
                        assert_eq!(second & u64::from(PolicyBits::MAX.0), u64::from(policy.0));
                        assert_ne!(second >> u32::BITS & u64::from(IS_PACKED), 0);
                        for other in [EPOCH_MICROS, VERSION_MAX] {
                            let changed = with_version(first, other);
                            assert_eq!(super::version(changed), other);
                            assert_eq!(expiry(changed, second), at);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_fits_ends_exactly_where_the_bits_do() {
        for fitting in [EPOCH_MICROS, NO_VERSION, VERSION_MAX] {
            assert!(fits_version(fitting), "{fitting}");
        }
        for other in [0, EPOCH_MICROS - 1, VERSION_MAX + 1, u64::MAX] {
            assert!(!fits_version(other), "{other}");
        }
        for fitting in [EPOCH_MS, EXPIRY_MAX] {
            assert!(fits_expiry(fitting), "{fitting}");
        }
        for other in [0, EPOCH_MS - 1, EXPIRY_MAX + 1, u64::MAX] {
            assert!(!fits_expiry(other), "{other}");
        }
        assert!(fits_lengths(511, 63) && !fits_lengths(512, 63) && !fits_lengths(511, 64));
    }
}

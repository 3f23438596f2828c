//! CRC32C of what is short: the records of the log.
//!
//! Called for a hundred bytes, the crate spends more time on finding out how to go about it than on them: it
//! aligns its reads byte by byte and looks for parts to go through side by side. Here eight bytes at a time
//! are read where they lie, which today's processors do equally fast at any address.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};

/// From this length on the crate is faster.
const LONG_BYTES_MIN: usize = 512;

/// The checksum of `bytes`.
#[inline]
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c_append(0, bytes)
}

/// The checksum of what has the checksum `before`, and `bytes` behind it.
#[inline]
pub(crate) fn crc32c_append(before: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() < LONG_BYTES_MIN && is_x86_feature_detected!("sse4.2") {
        #[expect(unsafe_code, reason = "nothing else takes so much time of a small record")]
        // SAFETY: all that `short` asks for is that the processor has SSE 4.2, which was just looked up.
        return unsafe { short(before, bytes) };
    }
    crc32c::crc32c_append(before, bytes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn short(before: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks();
    let mut wide = u64::from(!before);
    for word in words {
        wide = _mm_crc32_u64(wide, u64::from_le_bytes(*word));
    }
    // The instruction leaves the upper half zero.
    let [s0, s1, s2, s3, ..] = wide.to_le_bytes();
    let mut state = u32::from_le_bytes([s0, s1, s2, s3]);
    for byte in rest {
        state = _mm_crc32_u8(state, *byte);
    }
    !state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, bit by bit.
    fn defined(bytes: &[u8]) -> u32 {
        const POLYNOMIAL: u32 = 0x82f6_3b78;
        !bytes.iter().fold(u32::MAX, |state, byte| {
            (0..8).fold(state ^ u32::from(*byte), |state, _| {
                (state >> 1) ^ if state & 1 == 1 { POLYNOMIAL } else { 0 }
            })
        })
    }

    #[test]
    fn every_length_at_every_alignment_is_as_defined() {
        assert_eq!(defined(b"123456789"), 0xe306_9283, "what is published for it");
        let mut random = fastrand::Rng::with_seed(1);
        let bytes: Vec<u8> = (0..LONG_BYTES_MIN + 40).map(|_| random.u8(..)).collect();
        for start in 0..8 {
            for end in start..=bytes.len() {
                let (all, at) = (&bytes[start..end], random.usize(..=end - start));
                let (before, after) = all.split_at(at);
                let expected = defined(all);
                assert_eq!(crc32c(all), expected, "{start}..{end}");
                assert_eq!(crc32c_append(crc32c(before), after), expected, "{start}..{end}, {at}");
            }
        }
    }
}

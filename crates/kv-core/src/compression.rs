//! Values in fewer bytes: LZ4 blocks behind the length of what they stand for.
//!
//! ```text
//! byte  0            4
//!       length u32   LZ4 block      (little endian)
//! ```
//!
//! Only memory holds this form: what is written to disk or sent has values as clients gave them.

use std::cell::RefCell;

use crate::limits::COMPRESSED_VALUE_BYTES_MAX;

/// In front of the block.
const LENGTH_BYTES: usize = size_of::<u32>();

/// A value is kept compressed if that takes at most so many percent of its bytes: each read pays for it.
const KEPT_PERCENT_MAX: usize = 88;

/// Room for this many bytes is kept by each thread that compresses.
const KEPT_ROOM_BYTES: usize = 64 << 10;

const _: () = assert!(COMPRESSED_VALUE_BYTES_MAX <= u32::MAX as usize, "lengths take four bytes");

thread_local! {
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Hands the compressed form of a value to `then`; `None` when the value has fewer than `bytes_min` bytes, or too
/// many, or would not be 12 % shorter.
///
/// Costs a few nanoseconds a byte, so not to be called under a shard's lock.
pub(crate) fn with_compressed<T>(
    value: &[u8],
    bytes_min: usize,
    then: impl FnOnce(Option<&[u8]>) -> T,
) -> T {
    if !is_candidate(value.len(), bytes_min) {
        return then(None);
    }
    ROOM.with_borrow_mut(|room| {
        let longest = LENGTH_BYTES + lz4_flex::block::get_maximum_output_size(value.len());
        if room.len() < longest {
            room.resize(longest, 0);
        }
        let result = then(compress_into(value, room));
        room.truncate(KEPT_ROOM_BYTES);
        room.shrink_to(KEPT_ROOM_BYTES);
        result
    })
}

/// Whether it is tried to compress a value of this length.
#[inline]
pub(crate) fn is_candidate(value_len: usize, bytes_min: usize) -> bool {
    (bytes_min..=COMPRESSED_VALUE_BYTES_MAX).contains(&value_len)
}

fn compress_into<'a>(value: &[u8], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = u32::try_from(value.len()).ok()?;
    let (head, block) = room.split_first_chunk_mut::<LENGTH_BYTES>()?;
    let block_len = lz4_flex::block::compress_into(value, block).ok()?;
    *head = length.to_le_bytes();
    let len = LENGTH_BYTES + block_len;
    room.get(..len).filter(|_| len * 100 <= value.len() * KEPT_PERCENT_MAX)
}

/// The length of the value that a compressed form stands for.
#[inline]
pub(crate) fn value_len(compressed: &[u8]) -> usize {
    compressed.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize)
}

/// Appends the value that a compressed form stands for.
///
/// # Panics
/// When the bytes are not what [`with_compressed`] made: memory is damaged then.
pub(crate) fn decompress_onto(compressed: &[u8], out: &mut Vec<u8>) {
    let (start, len) = (out.len(), value_len(compressed));
    out.resize(start + len, 0);
    let block = compressed.get(LENGTH_BYTES..).unwrap_or_default();
    let room = out.get_mut(start..).unwrap_or_default();
    let written = lz4_flex::block::decompress_into(block, room);
    assert!(written.is_ok_and(|written| written == len), "what was compressed here is whole");
}

/// The value that a compressed form stands for; as [`decompress_onto`].
pub(crate) fn decompress(compressed: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(value_len(compressed));
    decompress_onto(compressed, &mut value);
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::COMPRESS_MIN_BYTES_MIN;

    fn compressed(value: &[u8], bytes_min: usize) -> Option<Vec<u8>> {
        with_compressed(value, bytes_min, |compressed| compressed.map(<[u8]>::to_vec))
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back_and_is_shorter_by_what_it_must(
            unit in proptest::collection::vec(any::<u8>(), 1..100),
            len in COMPRESS_MIN_BYTES_MIN..20_000,
            before in proptest::collection::vec(any::<u8>(), 0..10),
        ) {
            let value: Vec<u8> = unit.iter().copied().cycle().take(len).collect();
            if let Some(compressed) = compressed(&value, COMPRESS_MIN_BYTES_MIN) {
                prop_assert!(compressed.len() * 100 <= len * 88);
                prop_assert_eq!(value_len(&compressed), len);
                prop_assert_eq!(&decompress(&compressed), &value);
                let mut out = before.clone();
                decompress_onto(&compressed, &mut out);
                prop_assert_eq!(out, [before, value].concat());
            }
        }
    }

    #[test]
    fn lengths_are_bounded_at_both_ends() {
        let value = vec![b'x'; COMPRESSED_VALUE_BYTES_MAX + 1];
        assert_eq!(compressed(&value, 64), None);
        assert!(compressed(&value[1..], 64).is_some());
        assert_eq!(compressed(&value[..99], 100), None);
        assert!(compressed(&value[..100], 100).is_some());
    }

    #[test]
    fn what_does_not_become_shorter_by_12_percent_is_left() {
        let mut random = fastrand::Rng::with_seed(5);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(100_000).collect();
        assert_eq!(compressed(&noise, 64), None);
        // What repeats makes up for its length, and a little more for where the block says so.
        let with_zeros = |zeros: usize| {
            let value = [&noise[zeros..], &vec![0; zeros]].concat();
            compressed(&value, 64).map(|compressed| compressed.len())
        };
        assert_eq!(with_zeros(12_000), None);
        assert!(with_zeros(13_000).is_some_and(|len| len > 87_000));
    }

    #[test]
    fn no_thread_keeps_more_room_than_it_should() {
        assert!(compressed(&vec![b'x'; COMPRESSED_VALUE_BYTES_MAX], 64).is_some());
        ROOM.with_borrow(|room| assert!(room.capacity() <= KEPT_ROOM_BYTES));
    }

    #[test]
    #[should_panic(expected = "whole")]
    fn damaged_memory_is_not_taken_for_a_value() {
        let mut compressed = compressed(&[b'x'; 1000], 64).unwrap();
        compressed.truncate(compressed.len() - 1);
        decompress(&compressed);
    }
}

//! Entries on their way into blocks: encoded once, compressed once, written by one call.

use kv_core::{Change, Effect, ImageEntry, ImageValue, UnixMillis, Value, Version};

use super::block::{BLOCK_HEADER_BYTES, BlockHeader, Compression, PACKED_RAW_BYTES_MAX};
use super::output::Output;
use super::writer::SnapshotError;
use crate::format::effect::{put_effect, put_effect_head};

/// From this length on, key and value together, an entry gets a block of its own, uncompressed. A shared
/// value is written from where it is.
pub(super) const OWN_BLOCK_BYTES_MIN: usize = 64 << 10;

/// The most that one visit, or one entry, adds to the block that is being filled: a visit's bytes, an
/// entry that goes beyond them, and what effects have besides key and value.
pub(super) const OVERSHOOT_BYTES: usize =
    super::writer::VISIT_BYTES + OWN_BLOCK_BYTES_MIN + (16 << 10);

/// The block that is being filled, and the one that goes to the file.
///
/// Both begin with room for the header, so that a block is written by one call.
pub(super) struct BlockBuffer {
    /// Effects from this many bytes on make a block.
    target: usize,
    raw: Vec<u8>,
    packed: Vec<u8>,
    /// Entries in `raw`.
    entries: u32,
    /// What did not fit, or is shared and can be copied, or decompressed, without the shard's lock.
    outsized: Vec<Outsized>,
    /// Blocks written.
    pub(super) blocks: u32,
    /// Entries written.
    pub(super) keys: u64,
    /// Effects written, in bytes.
    pub(super) raw_bytes: u64,
}

/// An entry whose value is shared, or copied because the entry is so large.
struct Outsized {
    version: Version,
    expiry: Option<UnixMillis>,
    key: Vec<u8>,
    value: Value,
}

impl BlockBuffer {
    /// Buffers that take `buffer_bytes` together.
    pub(super) fn new(buffer_bytes: usize) -> Self {
        let target = target_bytes(buffer_bytes);
        let raw_max = BLOCK_HEADER_BYTES + target + OVERSHOOT_BYTES;
        let mut raw = Vec::with_capacity(raw_max);
        raw.resize(BLOCK_HEADER_BYTES, 0);
        // Zeroed once; what is compressed into it overwrites it.
        let packed = vec![0; packed_bytes_max(raw_max)];
        let (entries, outsized, blocks) = (0, Vec::new(), 0);
        Self { target, raw, packed, entries, outsized, blocks, keys: 0, raw_bytes: 0 }
    }

    /// Takes an entry; called under the shard's lock. At most [`OVERSHOOT_BYTES`] come in from one visit.
    pub(super) fn add(&mut self, shard: u32, entry: &ImageEntry<'_>) {
        let ImageEntry { key, value, version, expiry } = *entry;
        let is_large = key.len() + value.len() >= OWN_BLOCK_BYTES_MIN;
        match value {
            ImageValue::Borrowed(value) if !is_large => {
                let change = Change::Put { value, expiry };
                put_effect(&mut self.raw, &Effect { shard, version, key, change });
                self.entries += 1;
            }
            _ => {
                let value = value.to_value();
                self.outsized.push(Outsized { version, expiry, key: key.to_vec(), value });
            }
        }
    }

    /// Writes what makes whole blocks; called without a lock, after each visit.
    pub(super) fn drain(
        &mut self,
        shard: u32,
        output: &mut Output<'_>,
    ) -> Result<(), SnapshotError> {
        self.flush_full(shard, output)?;
        let mut outsized = std::mem::take(&mut self.outsized);
        for entry in outsized.drain(..) {
            let Outsized { version, expiry, ref key, value } = entry;
            let value = value.into_bytes();
            let change = Change::Put { value: &value, expiry };
            let effect = Effect { shard, version, key, change };
            if key.len() + value.len() >= OWN_BLOCK_BYTES_MIN {
                self.flush(shard, output)?;
                self.write_alone(&effect, &value, output)?;
            } else {
                put_effect(&mut self.raw, &effect);
                self.entries += 1;
                self.flush_full(shard, output)?;
            }
        }
        self.outsized = outsized;
        Ok(())
    }

    fn flush_full(&mut self, shard: u32, output: &mut Output<'_>) -> Result<(), SnapshotError> {
        let is_full = self.raw.len() - BLOCK_HEADER_BYTES >= self.target;
        if is_full { self.flush(shard, output) } else { Ok(()) }
    }

    /// Writes what there is.
    pub(super) fn flush(
        &mut self,
        shard: u32,
        output: &mut Output<'_>,
    ) -> Result<(), SnapshotError> {
        if self.entries == 0 {
            return Ok(());
        }
        let raw = self.raw.get(BLOCK_HEADER_BYTES..).unwrap_or_default();
        let space = self.packed.get_mut(BLOCK_HEADER_BYTES..).unwrap_or_default();
        // Compression that does not pay, or does not fit, is left.
        let packed_bytes = lz4_flex::block::compress_into(raw, space).ok();
        let (raw_bytes, packed_bytes) =
            (raw.len(), packed_bytes.filter(|packed_bytes| *packed_bytes < raw.len()));
        let (compression, block) = match packed_bytes {
            Some(len) => (
                Compression::Lz4,
                self.packed.get_mut(..BLOCK_HEADER_BYTES + len).unwrap_or_default(),
            ),
            None => (Compression::None, self.raw.as_mut_slice()),
        };
        let (header, stored) = block.split_at_mut(BLOCK_HEADER_BYTES);
        let fields = BlockHeader {
            index: self.blocks,
            shard,
            entries: self.entries,
            compression,
            raw_bytes: length(raw_bytes),
            stored_bytes: length(stored.len()),
        };
        header.copy_from_slice(&fields.encode(&[stored]));
        output.write(block)?;
        self.count(self.entries, raw_bytes);
        self.raw.truncate(BLOCK_HEADER_BYTES);
        self.entries = 0;
        Ok(())
    }

    /// Writes a block of one entry, its value from where it is.
    fn write_alone(
        &mut self,
        effect: &Effect<'_>,
        value: &[u8],
        output: &mut Output<'_>,
    ) -> Result<(), SnapshotError> {
        let mut head = Vec::new();
        put_effect_head(&mut head, effect);
        let raw_bytes = head.len() + value.len();
        let bytes = length(raw_bytes);
        let header = BlockHeader {
            index: self.blocks,
            shard: effect.shard,
            entries: 1,
            compression: Compression::None,
            raw_bytes: bytes,
            stored_bytes: bytes,
        };
        let header = header.encode(&[&head, value]);
        output.write(&[&header[..], &head].concat())?;
        output.write(value)?;
        self.count(1, raw_bytes);
        Ok(())
    }

    fn count(&mut self, entries: u32, raw_bytes: usize) {
        self.blocks += 1;
        self.keys += u64::from(entries);
        self.raw_bytes += raw_bytes as u64;
    }
}

/// Effects to a block, so that all buffers together stay within `buffer_bytes`.
const fn target_bytes(buffer_bytes: usize) -> usize {
    // Raw and packed form are about as long, and LZ4 wants a tenth more for the worst case.
    (buffer_bytes * 9 / 20).saturating_sub(OVERSHOOT_BYTES + 1024)
}

/// The most bytes that a block of so many takes when compressed, header included.
fn packed_bytes_max(raw_bytes: usize) -> usize {
    BLOCK_HEADER_BYTES + lz4_flex::block::get_maximum_output_size(raw_bytes)
}

const _: () = assert!(
    target_bytes(super::writer::SNAPSHOT_BUFFER_BYTES_MAX) + OVERSHOOT_BYTES
        <= PACKED_RAW_BYTES_MAX as usize,
    "what is written can be read"
);
const _: () = assert!(
    target_bytes(super::writer::SNAPSHOT_BUFFER_BYTES_MIN) >= 64 << 10,
    "the smallest buffer still makes blocks worth compressing"
);

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a block's size is bounded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::writer::{SNAPSHOT_BUFFER_BYTES_MAX, SNAPSHOT_BUFFER_BYTES_MIN};

    #[test]
    fn the_buffers_stay_within_what_was_given() {
        for bytes in [SNAPSHOT_BUFFER_BYTES_MIN, 2 << 20, SNAPSHOT_BUFFER_BYTES_MAX] {
            let buffer = BlockBuffer::new(bytes);
            let used = buffer.raw.capacity() + buffer.packed.capacity();
            assert!(used <= bytes && used >= bytes / 2, "{used} of {bytes}");
        }
    }
}

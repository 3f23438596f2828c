//! Memory that records wait in, used again and again.
//!
//! Fresh memory is dear: the system clears each page when it is first touched, and a buffer that grows is
//! copied. So what waits lies in chunks of one length, and those that were written come back.

use super::options::PAGE_BYTES;

/// Capacity of a chunk. As a rule all that lingers is in one: where a batch is written in two pieces, a page that
/// both have a part of may have to be read first.
const CHUNK_BYTES: usize = 1 << 20;

/// Kept free at the end of a chunk, for the zeros behind the last record.
#[expect(clippy::cast_possible_truncation, reason = "a page is short")]
const ZEROS_BYTES_MAX: usize = PAGE_BYTES as usize;

/// How many chunks are kept while they are not needed: about what comes during a sync.
const KEPT_MAX: usize = 8;

/// Chunks to be used again.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// All of them empty; the one written last is taken first.
    kept: Vec<Vec<u8>>,
}

impl Chunks {
    /// An empty chunk.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.kept.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES))
    }

    /// Takes back the chunks that it keeps, and leaves the others.
    pub(super) fn put_back(&mut self, written: &mut Vec<Vec<u8>>) {
        let room = KEPT_MAX.saturating_sub(self.kept.len());
        let back = written.extract_if(.., |chunk| chunk.capacity() == CHUNK_BYTES).take(room);
        self.kept.extend(back.map(|mut chunk| {
            chunk.clear();
            chunk
        }));
    }
}

/// Whether a record of so many bytes can be added without growing the chunk.
pub(super) fn has_room(chunk: &Vec<u8>, bytes: u32) -> bool {
    chunk.len() + bytes as usize + ZEROS_BYTES_MAX <= chunk.capacity()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_and_nothing_else_does() {
        let mut chunks = Chunks::default();
        let mut written: Vec<_> = (0..=KEPT_MAX).map(|_| chunks.take()).collect();
        for chunk in &mut written {
            chunk.push(1);
        }
        written.insert(0, vec![1; 3 * CHUNK_BYTES]);
        chunks.put_back(&mut written);
        assert_eq!(written.len(), 2, "the long one, and one too many");
        assert_eq!(chunks.kept.len(), KEPT_MAX);
        let again = chunks.take();
        assert!(again.is_empty() && again.capacity() == CHUNK_BYTES);
    }
}

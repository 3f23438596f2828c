//! Batches that are written and made durable in one call, whole pages at a time.
//!
//! A batch begins where the one before ended, as a rule within a page. So what that page holds is kept here, and
//! written again with the bytes it held.

use std::io;

use super::options::PAGE_BYTES;
use crate::disk::DiskFile;
use crate::disk::pages::Pages;

/// Most bytes of one such write. Longer batches are written and then synced: they are rare, and to copy them
/// would take longer than the second call.
pub(super) const THROUGH_BYTES_MAX: usize = 1 << 20;

/// What is written next in whole pages.
#[derive(Debug)]
pub(super) struct Through {
    pages: Pages,
    /// Up to where in the current segment `pages` has the last page; `None` when it has to be read.
    end: Option<u64>,
}

impl Through {
    pub(super) fn new() -> Self {
        Self { pages: Pages::with_capacity(THROUGH_BYTES_MAX), end: None }
    }

    /// Whether so many bytes at this offset are written in one call.
    pub(super) fn takes(&self, end: u64, bytes: u64) -> bool {
        (end % PAGE_BYTES + bytes).next_multiple_of(PAGE_BYTES) <= self.pages.capacity() as u64
    }

    /// Forgets the last page: another segment is current, or it was written in another way.
    pub(super) fn forget(&mut self) {
        self.end = None;
    }

    /// Writes chunks at `end` and makes them durable. `bytes` of them are the batch; up to the end of the page
    /// zeros follow, in the last chunk.
    pub(super) fn write(
        &mut self,
        file: &dyn DiskFile,
        end: u64,
        chunks: &[Vec<u8>],
        bytes: u64,
    ) -> io::Result<()> {
        let start = end - end % PAGE_BYTES;
        if self.end.take() != Some(end) {
            self.read_page(file, start, end)?;
        }
        if !chunks.iter().all(|chunk| self.pages.extend(chunk)) {
            return Err(io::Error::other("a batch is longer than was asked for"));
        }
        file.write_through(start, self.pages.bytes())?;
        let new_end = end + bytes;
        let kept = new_end % PAGE_BYTES;
        self.pages.keep(in_memory(new_end - kept - start), in_memory(kept));
        self.end = Some(new_end);
        Ok(())
    }

    fn read_page(&mut self, file: &dyn DiskFile, start: u64, end: u64) -> io::Result<()> {
        let page = self.pages.reset(in_memory(end - start));
        if file.read_at(start, page)? < page.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// A length within the pages.
fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::mem::MemDisk;
    use crate::disk::{Disk, OsDisk};

    /// A chunk of batches as the writer makes them: zeros fill the page behind it.
    fn padded(end: u64, bytes: &[u8]) -> Vec<u8> {
        let zeros = (end + bytes.len() as u64).next_multiple_of(PAGE_BYTES) - end;
        let mut chunk = bytes.to_vec();
        chunk.resize(usize::try_from(zeros).unwrap(), 0);
        chunk
    }

    /// Random batches, some of them written in the other way, are in the file one behind the other.
    fn batches_follow_each_other(disk: &dyn Disk, seed: u64) {
        let file = disk.create("log").unwrap();
        file.allocate(1 << 20).unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut expected: Vec<u8> = (0..64).map(|_| random.u8(..)).collect();
        file.write_at(0, &expected).unwrap();
        let mut through = Through::new();
        for _ in 0..200 {
            let end = expected.len() as u64;
            let len = if random.bool() { random.usize(1..200) } else { random.usize(1..9000) };
            let batch: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
            let chunk = padded(end, &batch);
            if random.u8(..4) > 0 {
                let (front, back) = chunk.split_at(random.usize(..batch.len()));
                let chunks = [front.to_vec(), Vec::new(), back.to_vec()];
                through.write(&*file, end, &chunks, len as u64).unwrap();
            } else {
                through.forget();
                file.write_at(end, &chunk).unwrap();
            }
            expected.extend(batch);
        }
        let mut found = vec![0; expected.len()];
        assert_eq!(file.read_at(0, &mut found).unwrap(), found.len());
        assert!(found == expected, "seed {seed}");
    }

    #[test]
    fn batches_follow_each_other_on_every_disk() {
        let dir = tempfile::tempdir().unwrap();
        let seed = fastrand::u64(..);
        batches_follow_each_other(&MemDisk::new(), seed);
        batches_follow_each_other(&OsDisk::open(dir.path()).unwrap(), seed);
    }

    #[test]
    fn what_is_longer_than_the_pages_is_not_taken() {
        let through = Through::new();
        let max = THROUGH_BYTES_MAX as u64;
        assert!(through.takes(0, max) && through.takes(8 * PAGE_BYTES, max));
        assert!(!through.takes(0, max + 1) && !through.takes(1, max));
        assert!(through.takes(PAGE_BYTES - 1, max - PAGE_BYTES + 1));
        assert!(!through.takes(PAGE_BYTES - 1, max - PAGE_BYTES + 2));
    }

    /// A page that cannot be read is no reason to write one that is half empty.
    #[test]
    fn a_page_that_is_not_there_is_an_error() {
        let disk = MemDisk::new();
        let file: Arc<dyn DiskFile> = disk.create("log").unwrap();
        let error = Through::new().write(&*file, 10, &[padded(10, b"batch")], 5).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(file.len().unwrap(), 0);
    }
}

//! Reading a file from front to back through a buffer that is as large as it needs to be.

use std::io;
use std::sync::Arc;

use crate::disk::DiskFile;

/// How much is read at once, unless more is asked for.
pub(crate) const READ_BYTES: usize = 1 << 20;

/// A part of a file in memory. Moves with what is asked for.
#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn DiskFile>,
    /// Length of the file when it was opened. Nothing beyond it is read, and no more memory taken.
    len: u64,
    /// Where in the file `bytes` begins.
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// # Errors
    /// The operating system's.
    pub(crate) fn new(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, len, start: 0, bytes: Vec::new() })
    }

    /// Length of the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// `want` bytes at `offset`; `None` when the file does not have them.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn get(&mut self, offset: u64, want: usize) -> io::Result<Option<&[u8]>> {
        let is_there = offset.checked_add(want as u64).is_some_and(|end| end <= self.len);
        if !is_there {
            return Ok(None);
        }
        if self.held(offset).is_none_or(|held| held.len() < want) {
            self.refill(offset, want)?;
        }
        Ok(self.held(offset).and_then(|held| held.get(..want)))
    }

    /// What is in memory from `offset` on.
    fn held(&self, offset: u64) -> Option<&[u8]> {
        let skipped = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(skipped..)
    }

    /// Reads so that the bytes in memory begin at `offset` and are `want` or more. What is there of them
    /// is not read again.
    fn refill(&mut self, offset: u64, want: usize) -> io::Result<()> {
        let kept = self.held(offset).map_or(0, <[u8]>::len);
        let dropped = self.bytes.len() - kept;
        self.bytes.drain(..dropped);
        self.start = offset;
        let left = usize::try_from(self.len - offset).unwrap_or(usize::MAX);
        let target = want.max(READ_BYTES).min(left);
        if target <= READ_BYTES {
            self.bytes.shrink_to(READ_BYTES);
        }
        self.bytes.resize(target, 0);
        let read = match self.bytes.get_mut(kept..) {
            Some(free) => self.file.read_at(offset + kept as u64, free)?,
            None => 0,
        };
        self.bytes.truncate(kept + read);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::disk::mem::MemDisk;

    fn window(bytes: &[u8]) -> Window {
        let disk = MemDisk::new();
        disk.put("file", bytes).unwrap();
        Window::new(disk.open("file").unwrap()).unwrap()
    }

    #[test]
    fn any_part_can_be_had_and_nothing_else() {
        let bytes: Vec<u8> = (0..251).cycle().take(3 * READ_BYTES + 7).collect();
        let mut window = window(&bytes);
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let want = if rng.bool() { rng.usize(..100) } else { rng.usize(..2 * READ_BYTES) };
            let offset = rng.usize(..bytes.len() + 10);
            let expected = bytes.get(offset..offset + want);
            assert_eq!(window.get(offset as u64, want).unwrap(), expected, "{offset} {want}");
        }
        assert_eq!(window.get(u64::MAX, 1).unwrap(), None);
        assert_eq!(window.get(0, usize::MAX).unwrap(), None);
    }

    #[test]
    fn memory_is_given_back_after_much_was_asked_for() {
        let mut window = window(&vec![1; 8 * READ_BYTES]);
        assert!(window.get(0, 6 * READ_BYTES).unwrap().is_some());
        assert!(window.bytes.capacity() >= 6 * READ_BYTES);
        assert!(window.get(7 * READ_BYTES as u64, 1).unwrap().is_some());
        assert!(window.bytes.capacity() <= READ_BYTES);
    }
}

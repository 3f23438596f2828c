//! `MemFile`: an open file of a `MemDisk`.

use std::io;
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::names::FileId;
use super::{Shared, State, checked_end};
use crate::disk::DiskFile;

/// An open file of a `MemDisk`.
#[derive(Debug)]
pub(in crate::disk) struct MemFile {
    disk: Arc<Shared>,
    file: FileId,
}

impl MemFile {
    /// A handle that the file's inode counts already.
    pub(super) fn new(disk: Arc<Shared>, file: FileId) -> Self {
        Self { disk, file }
    }

    /// What a failed sync does at its worst: what was not synced stays visible, but no later sync
    /// makes it durable.
    pub(in crate::disk) fn lose_unsynced(&self) {
        self.disk.lock().inode(self.file).content.lose_unsynced();
    }

    /// The disk, unless it has crashed.
    fn lock(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.lock();
        state.check_alive()?;
        Ok(state)
    }

    /// Writes what fits.
    fn write(&self, state: &mut State, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let free = state.free_sectors();
        let content = &mut state.inode(self.file).content;
        let fitting = content.fitting(offset, bytes.len(), free);
        content.write(offset, &bytes[..fitting]);
        if fitting < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Drop for MemFile {
    fn drop(&mut self) {
        let mut state = self.disk.lock();
        state.inode(self.file).handles -= 1;
        state.collect();
    }
}

impl DiskFile for MemFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock()?.inode(self.file).content.live().len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock()?;
        let live = state.inode(self.file).content.live();
        let start = usize::try_from(offset).map_or(live.len(), |start| start.min(live.len()));
        let read = buffer.len().min(live.len() - start);
        buffer[..read].copy_from_slice(&live[start..start + read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = checked_end(offset, bytes.len() as u64)?;
        let mut state = self.lock()?;
        self.write(&mut state, end - bytes.len(), bytes)?;
        state.counters.writes += 1;
        state.counters.bytes_written += bytes.len() as u64;
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let len = checked_end(0, len)?;
        let mut state = self.lock()?;
        let present = state.inode(self.file).content.live().len();
        self.write(&mut state, present, &vec![0; len.saturating_sub(present)])?;
        state.inode(self.file).content.sync();
        state.counters.allocations += 1;
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = checked_end(0, len)?;
        self.lock()?.inode(self.file).content.set_len(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.lock()?;
        state.inode(self.file).content.sync();
        state.counters.syncs += 1;
        Ok(())
    }
}

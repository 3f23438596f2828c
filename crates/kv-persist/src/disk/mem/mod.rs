//! `MemDisk`: a disk in memory that keeps no more than it promised when it crashes.

#![expect(clippy::indexing_slicing, reason = "for tests: a mistake in it should stop them")]

mod content;
mod fate;
mod file;
mod names;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use self::content::Content;
use self::fate::Fate;
pub(super) use self::file::MemFile;
use self::names::{FileId, Names};
use super::{Disk, DiskFile, SECTOR_BYTES, name};

/// Longest file: a write beyond it is a mistake of the test, and would take that much memory.
pub const FILE_BYTES_MAX: u64 = 1 << 30;

/// A disk in memory. Clones are the same disk.
///
/// It keeps what is synced apart from what is not, and so can tell what a crash might leave:
/// * [`crash`](Self::crash) is power loss: of what was not synced, anything may be there or not.
/// * [`kill`](Self::kill) is the end of the process: everything written is there, but what was not
///   synced still is not, and a crash of the new disk may lose it.
///
/// Both leave this disk dead: every call of [`Disk`] and [`DiskFile`] fails, so that threads that still
/// run cannot reach what comes after. Its content stays, so that `crash` can be asked again with
/// another seed, for another way in which it may have ended.
///
/// Space is taken in whole sectors of [`SECTOR_BYTES`], by bytes that were written or allocated; names
/// take none, but no file can be created when no sector is free. A write that does not fit
/// writes what fits and fails with `StorageFull`.
#[derive(Debug, Clone, Default)]
pub struct MemDisk {
    shared: Arc<Shared>,
}

/// What all handles of a disk and its files share.
type Shared = Mutex<State>;

/// How often the disk was asked to do what; failed calls do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls of `write_at`.
    pub writes: u64,
    /// Bytes that these wrote.
    pub bytes_written: u64,
    /// Calls of `sync`.
    pub syncs: u64,
    /// Calls of `sync_names`.
    pub name_syncs: u64,
    /// Calls of `allocate`.
    pub allocations: u64,
}

#[derive(Debug)]
struct State {
    files: BTreeMap<FileId, Inode>,
    names: Names,
    next: FileId,
    capacity: u64,
    counters: Counters,
    dead: bool,
}

/// A file, whatever its name is and whether it has one.
#[derive(Debug, Default)]
struct Inode {
    content: Content,
    /// Open handles. They keep a file without a name.
    handles: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            names: Names::default(),
            next: 0,
            capacity: u64::MAX,
            counters: Counters::default(),
            dead: false,
        }
    }
}

impl MemDisk {
    /// An empty disk without a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty disk for this many bytes.
    pub fn with_capacity(bytes: u64) -> Self {
        let disk = Self::new();
        disk.set_capacity(bytes);
        disk
    }

    /// Changes how many bytes fit; nothing is lost when more are there already.
    pub fn set_capacity(&self, bytes: u64) {
        self.shared.lock().capacity = bytes;
    }

    /// Bytes that are taken, in whole sectors.
    pub fn used(&self) -> u64 {
        self.shared.lock().used()
    }

    /// Calls so far.
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters
    }

    /// Cuts the power: this disk is dead from now on, and the one that comes back has what was synced, and
    /// of the rest what `rng` decides.
    ///
    /// Of every unsynced write each sector is there or not, likewise each change of a length and of a
    /// name; all, none, the earlier ones or the later ones are each likely.
    #[must_use]
    pub fn crash(&self, rng: &mut fastrand::Rng) -> Self {
        let mut state = self.shared.lock();
        state.dead = true;
        Self::with_state(state.crashed(rng))
    }

    /// Kills the process: this disk is dead from now on, and the one that is returned has everything that was
    /// written, as synced or unsynced as it was.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.shared.lock();
        state.dead = true;
        Self::with_state(state.copied())
    }

    /// The same files on another disk, as synced or unsynced as they are here. This one lives on.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::with_state(self.shared.lock().copied())
    }

    /// The names of all files, sorted; on a dead disk too.
    pub fn names(&self) -> Vec<String> {
        self.shared.lock().names.live.keys().cloned().collect()
    }

    /// What a process reads in the file; on a dead disk too.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.shared.lock().named(name)?.live().to_vec())
    }

    /// Length in bytes of the file; on a dead disk too.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn size(&self, name: &str) -> io::Result<u64> {
        Ok(self.shared.lock().named(name)?.live().len() as u64)
    }

    /// Damages the file: from `offset` on it durably holds these bytes, and grows when they go beyond
    /// its end. Handles that are open see it. The capacity is not looked at.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = checked_end(offset, bytes.len() as u64)?;
        let mut state = self.shared.lock();
        state.named(name)?.overwrite(end - bytes.len(), bytes);
        Ok(())
    }

    /// Puts a file there that durably has this name and content, in place of the one that may have had
    /// the name. The capacity is not looked at.
    ///
    /// # Errors
    /// `InvalidInput` when `name` is none.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        name::check(name)?;
        let mut state = self.shared.lock();
        let file = state.add(Content::durable(bytes.to_vec()));
        state.names.put(name, file);
        state.collect();
        Ok(())
    }

    fn with_state(state: State) -> Self {
        Self { shared: Arc::new(Mutex::new(state)) }
    }

    /// A handle of the file. The disk is locked by the caller.
    fn handle(&self, state: &mut State, file: FileId) -> Arc<dyn DiskFile> {
        state.inode(file).handles += 1;
        Arc::new(MemFile::new(Arc::clone(&self.shared), file))
    }
}

impl Disk for MemDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.shared.lock().check_alive()?;
        Ok(self.names())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        name::check(name)?;
        let mut state = self.shared.lock();
        state.check_alive()?;
        let file = state.names.get(name)?;
        Ok(self.handle(&mut state, file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        name::check(name)?;
        let mut state = self.shared.lock();
        state.check_alive()?;
        state.names.check_free(name)?;
        if state.free_sectors() == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = state.add(Content::default());
        state.names.create(name, file);
        Ok(self.handle(&mut state, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        name::check(from)?;
        name::check(to)?;
        let mut state = self.shared.lock();
        state.check_alive()?;
        state.names.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        name::check(name)?;
        let mut state = self.shared.lock();
        state.check_alive()?;
        state.names.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.check_alive()?;
        state.names.sync();
        state.counters.name_syncs += 1;
        state.collect();
        Ok(())
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

impl State {
    /// Fails every call of the process that had the disk when it crashed.
    fn check_alive(&self) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("this disk has crashed, with the process that used it"));
        }
        Ok(())
    }

    fn inode(&mut self, file: FileId) -> &mut Inode {
        self.files.get_mut(&file).expect("a file with a name or a handle is kept")
    }

    fn named(&mut self, name: &str) -> io::Result<&mut Content> {
        let file = self.names.get(name)?;
        Ok(&mut self.inode(file).content)
    }

    fn add(&mut self, content: Content) -> FileId {
        let file = self.next;
        self.next += 1;
        self.files.insert(file, Inode { content, handles: 0 });
        file
    }

    /// Removes the files that no handle, name or unsynced change of a name leads to.
    fn collect(&mut self) {
        let reachable = self.names.reachable();
        self.files.retain(|file, inode| inode.handles > 0 || reachable.contains(file));
    }

    fn used(&self) -> u64 {
        let named = self.names.live.values().filter_map(|file| self.files.get(file));
        let named: usize = named.map(|inode| inode.content.sectors_taken()).sum();
        let nameless = self.files.iter().filter(|(file, inode)| {
            inode.handles > 0 && !self.names.live.values().any(|named| named == *file)
        });
        let nameless: usize = nameless.map(|(_, inode)| inode.content.sectors_taken()).sum();
        (named + nameless) as u64 * SECTOR_BYTES as u64
    }

    /// Sectors that can still be taken.
    fn free_sectors(&self) -> usize {
        if self.capacity == u64::MAX {
            return usize::MAX;
        }
        let free = self.capacity.saturating_sub(self.used()) / SECTOR_BYTES as u64;
        usize::try_from(free).unwrap_or(usize::MAX)
    }

    /// The disk for another process.
    fn copied(&self) -> Self {
        let reachable = self.names.reachable();
        let files = self.files.iter().filter(|(file, _)| reachable.contains(file));
        let files = files
            .map(|(&file, inode)| (file, Inode { content: inode.content.clone(), handles: 0 }));
        Self {
            files: files.collect(),
            names: self.names.clone(),
            next: self.next,
            capacity: self.capacity,
            ..Self::default()
        }
    }

    /// The disk after power loss.
    fn crashed(&self, rng: &mut fastrand::Rng) -> Self {
        let overall = Fate::of_disk(rng);
        let names = self.names.crashed(rng, overall);
        let files = names.live.values().map(|file| {
            let content = self.files[file].content.crashed(rng, overall);
            (*file, Inode { content, handles: 0 })
        });
        Self {
            files: files.collect(),
            names,
            next: self.next,
            capacity: self.capacity,
            ..Self::default()
        }
    }
}

/// Where a range ends, as a position in memory.
fn checked_end(offset: u64, len: u64) -> io::Result<usize> {
    let end = offset.checked_add(len).filter(|&end| end <= FILE_BYTES_MAX);
    let end = end.and_then(|end| usize::try_from(end).ok());
    end.ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

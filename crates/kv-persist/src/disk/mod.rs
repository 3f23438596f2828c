//! The disk as persistence sees it: one flat directory of files that are written at offsets.
//!
//! [`OsDisk`] is the real one. For tests, `MemDisk` loses, tears and reorders what was not synced when it
//! crashes, and `FaultDisk` fails the call it is told to.

mod direct;
mod name;
mod os;
pub(crate) mod pages;

#[cfg(any(test, feature = "testing"))]
pub mod fault;
#[cfg(any(test, feature = "testing"))]
pub mod mem;
#[cfg(any(test, feature = "testing"))]
pub mod suite;

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use name::NAME_BYTES_MAX;
pub use os::OsDisk;

/// What a crash may tear apart: a write is kept or lost in aligned blocks of this many bytes.
pub const SECTOR_BYTES: usize = 512;

/// What the system keeps files in: writes around its cache begin and end at multiples of so many bytes.
pub const PAGE_BYTES: usize = 4096;

/// Whether an error says that the system is short of something, which it may have again: space, open files,
/// memory. Whatever else a disk says may mean that it is broken.
pub fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    const SHORTAGES: [Errno; 5] =
        [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN, Errno::INTR];
    let is_full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::OutOfMemory
    );
    is_full || Errno::from_io_error(error).is_some_and(|errno| SHORTAGES.contains(&errno))
}

/// One flat directory of files.
///
/// Contract:
/// * *Names* are plain file names of 1 to [`NAME_BYTES_MAX`] bytes, without `/` and NUL and not `.` or
///   `..`; any other is `InvalidInput`.
/// * *Durability of names.* [`create`](Self::create), [`rename`](Self::rename) and
///   [`remove`](Self::remove) survive a crash once [`sync_names`](Self::sync_names) has returned; before
///   that each may have happened or not, in any order.
/// * *Atomicity of names.* A rename replaces its target wholly or not at all.
/// * *Errors.* Are the operating system's, `kind()` included: `NotFound`, `AlreadyExists`, `StorageFull`.
///   After an error nothing is known of the operation, except for `NotFound` and `AlreadyExists`, which
///   changed nothing.
pub trait Disk: Send + Sync + Debug {
    /// The names of all regular files, in no order.
    ///
    /// # Errors
    /// The operating system's.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading and, unless the disk is read-only, writing.
    ///
    /// # Errors
    /// `NotFound`, or the operating system's.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes an empty file that is not there yet.
    ///
    /// # Errors
    /// `AlreadyExists`, or the operating system's.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name; a file of that name is replaced.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file's name. A file that is open can be read on.
    ///
    /// # Errors
    /// `NotFound`, or the operating system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every create, rename and remove so far durable.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_names(&self) -> io::Result<()>;

    /// Where the directory is, for messages to people.
    fn describe(&self) -> String;
}

/// One file. Shared between threads; none of its calls moves a position.
///
/// Contract:
/// * *Writers.* Any number of threads may read; [`allocate`](Self::allocate) and
///   [`set_len`](Self::set_len) must not run beside another call that changes the file.
/// * *Durability.* Bytes and length survive a crash once [`sync`](Self::sync) has returned; before that
///   each [`SECTOR_BYTES`] block of each write may be kept or lost, whatever became of the others. A
///   block that is written again with the bytes it held keeps them.
/// * *Errors.* After a failed write or sync nothing is known of what was not synced before, and a later
///   sync that succeeds says nothing about it either.
#[expect(clippy::len_without_is_empty, reason = "a length that can fail is no container's")]
pub trait DiskFile: Any + Send + Sync + Debug {
    /// Length in bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn len(&self) -> io::Result<u64>;

    /// Reads from `offset` until the buffer is full or the file ends; tells how many bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at `offset`; the file grows when they go beyond its end.
    ///
    /// # Errors
    /// The operating system's; some of the bytes may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes bytes and makes them durable, as [`write_at`](Self::write_at) and then [`sync`](Self::sync) do; of
    /// what was written before it says nothing. Where the system can do that in one step it costs much less.
    /// That needs whole pages: offset, length and the address of the bytes are multiples of [`PAGE_BYTES`].
    ///
    /// # Errors
    /// Those of both.
    fn write_through(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_at(offset, bytes)?;
        self.sync()
    }

    /// Makes the file at least `len` bytes long, with zeros that take up their space now, so that writing
    /// there later needs no more of it; and syncs it. What is there stays.
    ///
    /// # Errors
    /// `StorageFull`, or the operating system's; the file may have grown by a part.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Cuts the file off at `len`, or extends it by zeros that take no space.
    ///
    /// # Errors
    /// The operating system's.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes all bytes written and the length durable (`fdatasync`).
    ///
    /// # Errors
    /// The operating system's.
    fn sync(&self) -> io::Result<()>;
}

//! Writes that go around the system's cache and are durable when they return.
//!
//! To write through the cache and then sync takes two to three trips to the device one after the other, and the
//! cache's own work. A direct write with `O_DSYNC` to space that was written before takes one, and a flush.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use super::PAGE_BYTES;

/// A file opened a second time, for direct writes; or the knowledge that it cannot be.
#[derive(Debug)]
pub(super) struct Direct {
    file: Option<File>,
    /// The file system takes none after all.
    is_refused: AtomicBool,
}

impl Direct {
    pub(super) fn open(file: &File) -> Self {
        Self { file: reopen(file), is_refused: AtomicBool::new(false) }
    }

    /// Writes whole pages; `None` when that is not possible here and nothing was done.
    pub(super) fn write_at(&self, offset: u64, bytes: &[u8]) -> Option<io::Result<()>> {
        let file = self.file.as_ref().filter(|_| !self.is_refused.load(Ordering::Relaxed))?;
        let page = PAGE_BYTES as u64;
        let is_aligned = bytes.as_ptr().align_offset(PAGE_BYTES) == 0
            && offset.is_multiple_of(page)
            && bytes.len().is_multiple_of(PAGE_BYTES);
        if !is_aligned {
            return None;
        }
        match file.write_all_at(bytes, offset) {
            // The device wants larger pages, or the file system none of this. Whatever was written is written
            // again in the other way.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => {
                self.is_refused.store(true, Ordering::Relaxed);
                None
            }
            written => Some(written),
        }
    }
}

/// Opens what is open already: its name may have changed.
fn reopen(file: &File) -> Option<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::DSYNC | OFlags::CLOEXEC;
    match rustix::io::retry_on_intr(|| open(&path, flags, Mode::empty())) {
        Ok(file) => Some(OwnedFd::into(file)),
        Err(error) => {
            tracing::debug!(%error, "no direct writes here: the log is written and then synced");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::pages::Pages;
    use super::*;

    #[test]
    fn only_whole_pages_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, vec![0; 4 * PAGE_BYTES]).unwrap();
        let direct = Direct::open(&File::options().write(true).open(&path).unwrap());
        let mut pages = Pages::with_capacity(2 * PAGE_BYTES);
        pages.reset(2 * PAGE_BYTES).fill(7);
        let (page, bytes) = (PAGE_BYTES as u64, pages.bytes());
        assert!(direct.write_at(1, bytes).is_none(), "the offset");
        assert!(direct.write_at(page, &bytes[..1]).is_none(), "the length");
        assert!(direct.write_at(page, &bytes[1..=PAGE_BYTES]).is_none(), "the address");
        assert_eq!(fs::read(&path).unwrap(), vec![0; 4 * PAGE_BYTES], "and nothing was done");
        let Some(written) = direct.write_at(page, bytes) else {
            return println!("SKIPPED: the file system takes no direct writes");
        };
        written.unwrap();
        let found = fs::read(&path).unwrap();
        assert!(found == [&[0; PAGE_BYTES], bytes, &[0; PAGE_BYTES]].concat());
    }

    /// `/proc` refuses what is no number in the way in which a file system refuses direct writes.
    #[test]
    fn what_is_refused_once_is_not_tried_again() {
        let refusing = File::options().write(true).open("/proc/self/oom_score_adj").unwrap();
        let direct = Direct { file: Some(refusing), is_refused: AtomicBool::new(false) };
        let mut pages = Pages::with_capacity(PAGE_BYTES);
        pages.reset(PAGE_BYTES).fill(b'x');
        for _ in 0..2 {
            assert!(direct.write_at(0, pages.bytes()).is_none());
            assert!(direct.is_refused.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn where_no_direct_writes_are_possible_none_is_made() {
        let direct = Direct::open(&File::open("/proc/self/status").unwrap());
        let mut pages = Pages::with_capacity(PAGE_BYTES);
        pages.reset(PAGE_BYTES);
        assert!(direct.write_at(0, pages.bytes()).is_none());
    }
}

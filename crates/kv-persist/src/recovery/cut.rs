//! Making what was recovered of a log last: the rest is cut off, and what is kept is synced.

use std::io;

use crate::disk::{Disk, DiskFile};
use crate::format::names::segment_name;
use crate::log::{LogEnd, LogError};

/// How much is written again at once.
const REWRITE_BYTES: usize = 1 << 20;

/// Cuts the last segment off where the log ends and syncs it. After that everything that was replayed is
/// on stable storage, and the log can go on in a new segment. Doing it again changes nothing.
///
/// What is kept and not proved to be on stable storage is written again first: it may have been read from
/// memory that a failed sync left looking clean, which no later sync would write.
///
/// # Errors
/// [`LogError::Io`]; the log must not go on then.
pub fn cut_log(disk: &dyn Disk, end: &LogEnd) -> Result<(), LogError> {
    if end.segments.is_empty() {
        return Ok(());
    }
    let name = segment_name(end.position.segment);
    let done = disk.open(&name).and_then(|file| {
        if file.len()? != end.position.offset {
            file.set_len(end.position.offset)?;
        }
        write_again(&*file, end.proven_offset, end.position.offset)?;
        file.sync()
    });
    done.map_err(|source| {
        let (directory, action) = (disk.describe(), "cut and sync");
        LogError::Io { directory, file: name, action, source }
    })
}

fn write_again(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut at = from;
    while at < to {
        let len = usize::try_from(to - at).unwrap_or(usize::MAX).min(REWRITE_BYTES);
        buffer.resize(len, 0);
        let read = file.read_at(at, &mut buffer)?;
        buffer.truncate(read);
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(at, &buffer)?;
        at += read as u64;
    }
    Ok(())
}

//! Putting files aside: under names that nothing reads, and that are never used twice.

use std::io;

use crate::disk::{Disk, DiskFile};
use crate::format::names::DAMAGED;
use crate::temp_file::TempFile;

/// How much is copied or compared at once.
const COPY_BYTES: usize = 1 << 20;

/// A name to put a file aside under that is not among those given: `NAME.damaged`, `NAME.2.damaged`, …
pub(super) fn free_name(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    // One of so many numbers is free.
    let mut numbered = (2..taken.len() + 3).map(|number| format!("{name}.{number}{DAMAGED}"));
    let first = Some(format!("{name}{DAMAGED}")).filter(is_free);
    first.or_else(|| numbered.find(is_free)).unwrap_or_default()
}

/// A copy of a file that an earlier attempt has put aside.
pub(super) fn find_copy(
    disk: &dyn Disk,
    name: &str,
    names: &[String],
) -> io::Result<Option<String>> {
    let is_copy_name = |other: &&String| {
        let middle = other.strip_prefix(name).and_then(|rest| rest.strip_suffix(DAMAGED));
        middle.is_some_and(|middle| {
            middle.is_empty() || middle.strip_prefix('.').is_some_and(|n| n.parse::<u64>().is_ok())
        })
    };
    let original = disk.open(name)?;
    for other in names.iter().filter(is_copy_name) {
        if is_same(&*original, &*disk.open(other)?)? {
            return Ok(Some(other.clone()));
        }
    }
    Ok(None)
}

/// Makes or replaces the file `to` by the first `bytes` of `from`. It is all there, on stable storage, or
/// what was there before is.
pub(super) fn copy(disk: &dyn Disk, from: &str, to: &str, bytes: u64) -> io::Result<()> {
    let source = disk.open(from)?;
    let target = TempFile::create(disk, to)?;
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < bytes {
        let piece = usize::try_from(bytes - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        buffer.resize(piece, 0);
        if source.read_at(at, &mut buffer)? < piece {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        target.file().write_at(at, &buffer)?;
        at += piece as u64;
    }
    target.publish().map_err(|error| error.source)
}

fn is_same(one: &dyn DiskFile, other: &dyn DiskFile) -> io::Result<bool> {
    let len = one.len()?;
    if len != other.len()? {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; COPY_BYTES], vec![0; COPY_BYTES]);
    let mut at = 0;
    while at < len {
        let read = one.read_at(at, &mut left)?;
        if other.read_at(at, &mut right)? != read || left.get(..read) != right.get(..read) {
            return Ok(false);
        }
        at += read.max(1) as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::mem::MemDisk;

    #[test]
    fn names_are_never_used_twice() {
        let mut taken = vec!["a".to_owned()];
        for expected in ["a.damaged", "a.2.damaged", "a.3.damaged"] {
            let name = free_name("a", &taken);
            assert_eq!(name, expected);
            taken.push(name);
        }
    }

    #[test]
    fn a_copy_is_recognized_by_its_content() {
        let disk = MemDisk::new();
        let content = vec![7; COPY_BYTES + 5];
        disk.put("a", &content).unwrap();
        disk.put("a.damaged", &content[1..]).unwrap();
        disk.put("ab.damaged", &content).unwrap();
        assert_eq!(find_copy(&disk, "a", &disk.names()).unwrap(), None);
        copy(&disk, "a", "a.2.damaged", content.len() as u64).unwrap();
        let found = find_copy(&disk, "a", &disk.names()).unwrap();
        assert_eq!(found.as_deref(), Some("a.2.damaged"));
        copy(&disk, "a", "a", 3).unwrap();
        assert_eq!(disk.read("a").unwrap(), [7; 3]);
    }
}

//! Which file names a disk takes.

use std::io;

/// Longest file name in bytes, as on the file systems that matter.
pub const NAME_BYTES_MAX: usize = 255;

/// Refuses what is not the plain name of a file in this directory.
pub(super) fn check(name: &str) -> io::Result<()> {
    let plain = !matches!(name, "" | "." | "..")
        && name.len() <= NAME_BYTES_MAX
        && !name.contains(['/', '\0']);
    if plain {
        return Ok(());
    }
    let message = format!(
        "{name:?} is not a plain file name: allowed are 1 to {NAME_BYTES_MAX} bytes without '/' and NUL, \
         other than . and .."
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass_and_others_do_not() {
        let longest = "n".repeat(NAME_BYTES_MAX);
        for name in ["a", "...", ".hidden", "log-0001.kv", "ö", longest.as_str()] {
            check(name).unwrap();
        }
        let too_long = "n".repeat(NAME_BYTES_MAX + 1);
        for name in ["", ".", "..", "a/b", "/", "a\0", too_long.as_str()] {
            assert_eq!(check(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
    }
}

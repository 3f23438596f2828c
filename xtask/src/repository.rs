//! Where the repository is and which files belong to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The workspace root.
///
/// Cargo's variable is read at run time: a checkout that was moved after the build finds itself.
pub(crate) fn root() -> Result<PathBuf> {
    let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
        .context("CARGO_MANIFEST_DIR is not set: run this as `cargo xtask`")?;
    let root = Path::new(&manifest_dir).parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// The files that git tracks or would track, relative to `root`, in order.
pub(crate) fn files(root: &Path) -> Result<Vec<String>> {
    // In many CI containers the checkout belongs to another user; reading it is safe all the same.
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git could not be started; it lists the files to check")?;
    anyhow::ensure!(
        output.status.success(),
        "`git ls-files` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let listing = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<String> = listing
        .split_terminator('\0')
        .map(str::to_owned)
        .filter(|file| root.join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

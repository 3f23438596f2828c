//! A small file system for one test, gone with it.
//!
//! Mounting takes rights that a test seldom has. So the test starts itself once more in a mount namespace of
//! its own, as an ordinary user with a user namespace around it. What it mounts there nobody else sees, and
//! the kernel removes it with the process, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set in the process that may mount.
const INSIDE: &str = "KV_TEST_INSIDE_NAMESPACE";

/// Ways to get a mount namespace: for those who may have one, and for everybody else.
const NAMESPACES: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// A file system to mount.
#[derive(Debug, Clone, Copy)]
pub(super) enum SmallDisk {
    /// In memory, of so many MiB.
    Tmpfs(u32),
    /// ext4 in a file of so many MiB: space is given out late, and syncs are real.
    Ext4(u32),
}

impl SmallDisk {
    /// Runs a test on this file system, mounted on an empty directory. `name` is the test's whole name: it is
    /// how the test is started again. Where mounting is not allowed, the test is skipped and says so.
    pub(super) fn run(self, name: &str, test: impl FnOnce(&Path)) {
        if std::env::var_os(INSIDE).is_none() {
            return run_inside_namespace(name);
        }
        let dir = tempfile::tempdir().expect("a directory");
        let mounted = match self {
            Self::Tmpfs(mib) => mount_tmpfs(mib, dir.path()),
            Self::Ext4(mib) => mount_ext4(mib, dir.path()),
        };
        match mounted {
            Ok(disk) => test(&disk),
            Err(why) => println!("SKIPPED {name}: {self:?} cannot be mounted: {why}"),
        }
    }
}

fn run_inside_namespace(name: &str) {
    let allowed = |options: &&&[&str]| succeed("unshare", &[**options, &["true"]].concat()).is_ok();
    let Some(options) = NAMESPACES.iter().find(allowed) else {
        println!("SKIPPED {name}: `unshare --mount` is not allowed here, not even with `--user`");
        return;
    };
    let test = std::env::current_exe().expect("a path");
    let output = Command::new("unshare")
        .args(*options)
        .arg(test)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "yes")
        .output()
        .expect("unshare ran a moment ago");
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the test failed in its namespace: see above");
    assert!(said.contains("1 passed"), "there is a test of the name {name}");
}

fn mount_tmpfs(mib: u32, dir: &Path) -> Result<PathBuf, String> {
    let (options, disk) = (format!("size={mib}m"), dir.join("disk"));
    std::fs::create_dir(&disk).expect("a directory");
    succeed("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", text(&disk)])?;
    Ok(disk)
}

fn mount_ext4(mib: u32, dir: &Path) -> Result<PathBuf, String> {
    let (image, disk) = (dir.join("image"), dir.join("disk"));
    std::fs::create_dir(&disk).expect("a directory");
    let file = std::fs::File::create(&image).expect("a file");
    file.set_len(u64::from(mib) << 20).expect("a sparse file");
    // Without blocks that only root may use: the server is root here, and elsewhere it is not.
    succeed("mkfs.ext4", &["-q", "-m", "0", text(&image)])?;
    succeed("mount", &["-o", "loop", text(&image), text(&disk)])?;
    Ok(disk)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Runs a program; tells what it said when it failed.
fn succeed(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

//! The commands for people who look after a data directory: check, repair, dump.
//!
//! kv-persist does the work; here it is shown, and turned into exit codes.

mod check;
mod dump;
mod json;
mod repair;
mod show;
mod watch;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use kv_persist::disk::OsDisk;
use kv_server::Command;

use crate::{EXIT_FAILED, EXIT_USAGE, refuse};

/// Does what a command says, and tells how the process is to end.
pub(crate) fn run(command: &Command) -> ExitCode {
    let (path, is_there, wanted) = match command {
        Command::Check { dir } | Command::Repair { dir, .. } => (dir, dir.is_dir(), "a directory"),
        Command::Dump { file } => (file, file.is_file(), "a file"),
    };
    if !is_there {
        return refuse(&anyhow!("{} is not {wanted}", path.display()), EXIT_USAGE);
    }
    let done = match command {
        Command::Check { dir } => check::run(dir),
        Command::Repair { dir, cut_after_damage } => repair::run(dir, *cut_after_damage),
        Command::Dump { file } => dump::run(file),
    };
    done.unwrap_or_else(|error| refuse(&error, EXIT_FAILED))
}

/// Opens a directory to change nothing in it.
fn open_read_only(dir: &Path) -> anyhow::Result<OsDisk> {
    OsDisk::open_read_only(dir).with_context(|| format!("{} cannot be opened", dir.display()))
}

/// Prints a text; a reader that has gone away is not worth an error.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written to")
        }
        _ => Ok(()),
    }
}

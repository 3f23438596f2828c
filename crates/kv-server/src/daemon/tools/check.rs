//! `kv-server check DIR`.

use std::path::Path;
use std::process::ExitCode;
use std::thread::available_parallelism;

use kv_persist::tools;
use kv_server::IdleDataDir;

use super::show::{files, push, repair_command};
use super::watch::watch;
use super::{open_read_only, print};
use crate::EXIT_FAILED;

pub(super) fn run(dir: &Path) -> anyhow::Result<ExitCode> {
    let _idle = IdleDataDir::open(dir)?;
    let disk = open_read_only(dir)?;
    let threads = available_parallelism().map_or(1, usize::from);
    let report = watch("checking", |progress| tools::check(&disk, threads, progress))?;
    let mut text = files(&report, false);
    push(&mut text, &report.start.to_string());
    if report.is_damaged() {
        let command = repair_command(dir, "");
        push(&mut text, &format!("damage was found; what can be done about it: {command}"));
    }
    print(&text)?;
    Ok(if report.is_damaged() { ExitCode::from(EXIT_FAILED) } else { ExitCode::SUCCESS })
}

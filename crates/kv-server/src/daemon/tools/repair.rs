//! `kv-server repair DIR`.

use std::path::Path;
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::Context as _;
use kv_core::Clock as _;
use kv_persist::disk::{Disk, OsDisk};
use kv_persist::tools::{self, Repair};
use kv_server::{DataDir, IdleDataDir, SystemClock};

use super::show::{files, loss, push, repair_command};
use super::watch::watch;
use super::{open_read_only, print};
use crate::EXIT_FAILED;
use crate::daemon::run::fresh_seed;

/// Without it nothing is changed.
const FLAG: &str = " --cut-after-damage";

pub(super) fn run(dir: &Path, is_wanted: bool) -> anyhow::Result<ExitCode> {
    let idle = IdleDataDir::open(dir)?;
    if !is_wanted {
        let disk = open_read_only(dir)?;
        let repair = plan(&disk)?;
        print(&plan_text(&repair))?;
        if !repair.is_needed() {
            return Ok(ExitCode::SUCCESS);
        }
        print(&format!("nothing was changed; to do this: {}\n", repair_command(dir, FLAG)))?;
        return Ok(ExitCode::from(EXIT_FAILED));
    }
    // Whoever comes in between is told by the next line.
    drop(idle);
    let _held = DataDir::open(dir)?;
    let disk = OsDisk::open(dir).with_context(|| format!("{} cannot be opened", dir.display()))?;
    let repair = plan(&disk)?;
    print(&plan_text(&repair))?;
    if !repair.is_needed() {
        return Ok(ExitCode::SUCCESS);
    }
    repair.carry_out(&disk, SystemClock::start().now()).with_context(|| {
        format!("the repair was not finished; begin it anew: {}", repair_command(dir, FLAG))
    })?;
    let report = watch("checking", |progress| tools::check(&disk, threads(), progress))?;
    print(&format!("done; {}\n", report.start))?;
    Ok(if report.is_damaged() { ExitCode::from(EXIT_FAILED) } else { ExitCode::SUCCESS })
}

fn plan(disk: &dyn Disk) -> anyhow::Result<Repair> {
    let plan = |progress: &_| Repair::plan(disk, threads(), fresh_seed(), progress);
    Ok(watch("checking", plan)?)
}

fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}

fn plan_text(repair: &Repair) -> String {
    let mut text = files(repair.report(), true);
    let Some(keeps) = repair.keeps() else {
        push(&mut text, &format!("there is nothing to repair; {}", repair.report().start));
        return text;
    };
    push(&mut text, &format!("kept:  {keeps}"));
    push(&mut text, &format!("lost:  {}", loss(repair.loss())));
    push(&mut text, "steps:");
    for step in repair.steps() {
        push(&mut text, &format!("  {step}"));
    }
    text
}

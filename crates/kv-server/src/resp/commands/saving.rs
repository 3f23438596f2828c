//! Snapshots: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE.
//!
//! A snapshot is what Redis's dump is, and what its rewriting of the log is too: the log before it is dropped.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::clock::{millis, wall_time};
use crate::persistence::{LastSnapshot, Persistence};
use crate::resp::answers::Answers;
use crate::resp::failure::Failure;
use crate::resp::request::is;
use crate::resp::shared::Shared;
use crate::resp::work;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("SAVE", 1, "1.0.0", "Synchronously saves the database(s) to disk.")
        .flags(Flags::NO_MULTI)
        .call(save),
    row("BGSAVE", -1, "1.0.0", "Asynchronously saves the database(s) to disk.").call(bgsave),
    row("BGREWRITEAOF", 1, "1.0.0", "Asynchronously rewrites the append-only file to disk.")
        .call(bgrewriteaof),
    Command::new(
        "LASTSAVE",
        1,
        Group::Server,
        "1.0.0",
        "Returns the Unix timestamp of the last successful save to disk.",
    )
    .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
    .flags(Flags::DANGEROUS.and(Flags::ADMINISTERS))
    .call(lastsave),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
        .flags(Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING))
}

const IN_PROGRESS: Failure = Failure::Text("ERR Background save already in progress");

/// `SAVE`
fn save(call: &mut Call<'_>) -> Result<(), Failure> {
    let persistence = persistence(call.shared)?;
    if is_running(&*persistence) {
        return Err(IN_PROGRESS);
    }
    let shared = Arc::clone(call.shared);
    call.later_timed(work::wait(move || {
        let taken = persistence.snapshot();
        shared.saves.told(taken.is_ok());
        taken.map_err(|error| Failure::Owned(format!("ERR {error}")))?;
        let mut answers = Answers::default();
        answers.ok();
        Ok(answers)
    }));
    Ok(())
}

/// `BGSAVE [SCHEDULE]`
fn bgsave(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    if request.len() > 2 || (request.len() == 2 && !is(request.arg(1), "SCHEDULE")) {
        return Err(Failure::Syntax);
    }
    let persistence = persistence(call.shared)?;
    if is_running(&*persistence) {
        return Err(IN_PROGRESS);
    }
    begin(call.shared, persistence);
    call.reply().simple("Background saving started");
    Ok(())
}

/// `BGREWRITEAOF`: behind the snapshot that is being taken, if one is.
fn bgrewriteaof(call: &mut Call<'_>) -> Result<(), Failure> {
    let persistence = persistence(call.shared)?;
    let told = if is_running(&*persistence) {
        "Background append only file rewriting scheduled"
    } else {
        "Background append only file rewriting started"
    };
    begin(call.shared, persistence);
    call.reply().simple(told);
    Ok(())
}

/// `LASTSAVE`
fn lastsave(call: &mut Call<'_>) -> Result<(), Failure> {
    let seconds = last_save_s(call.shared);
    call.reply().integer(i64::try_from(seconds).unwrap_or(i64::MAX));
    Ok(())
}

/// When the newest snapshot was complete, in seconds since the Unix epoch. As in Redis, the start of the server
/// counts as one.
pub(in crate::resp) fn last_save_s(shared: &Shared) -> u64 {
    let persistence = shared.gate.persistence();
    let last = persistence.and_then(|persistence| persistence.stats().last_snapshot);
    let taken_ms =
        last.map_or(
            0,
            |LastSnapshot { taken_at_ms, duration, .. }| {
                if taken_at_ms == 0 { 0 } else { taken_at_ms + millis(duration) }
            },
        );
    let started_ms = millis(wall_time()).saturating_sub(shared.uptime_ms());
    if taken_ms == 0 { started_ms / 1000 } else { taken_ms / 1000 }
}

fn persistence(shared: &Shared) -> Result<Arc<dyn Persistence>, Failure> {
    shared
        .gate
        .persistence()
        .cloned()
        .ok_or(Failure::Text("ERR nothing is kept on disk by this server: persist.enabled = false"))
}

fn is_running(persistence: &dyn Persistence) -> bool {
    persistence.stats().snapshot_percent.is_some()
}

/// Takes a snapshot while everything goes on.
fn begin(shared: &Arc<Shared>, persistence: Arc<dyn Persistence>) {
    let shared = Arc::clone(shared);
    // Its end is told by the log, and by INFO.
    drop(spawn_blocking(move || {
        let taken = persistence.snapshot();
        shared.saves.told(taken.is_ok());
        match taken {
            Ok(taken) => info!(id = taken.id, keys = taken.keys, "a client's snapshot is taken"),
            Err(error) => warn!(%error, "a client's snapshot was not taken"),
        }
    }));
}

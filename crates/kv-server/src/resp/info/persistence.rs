//! What is kept on disk: snapshots, which are Redis's dump, and the log, which is its append-only file.

use super::Server;
use super::text::Text;
use crate::clock::millis;
use crate::persistence::PersistenceStats;
use crate::resp::commands::last_save_s;
use crate::resp::shared::Shared;

/// `# Persistence`
pub(super) fn persistence(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    let persistence = shared.gate.persistence();
    let stats = persistence.map(|persistence| persistence.stats()).unwrap_or_default();
    text.field("loading", u8::from(shared.gate.open().is_err()));
    text.zeros(&["async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"]);
    text.field("current_fork_perc", "0.00");
    text.zeros(&["current_save_keys_processed", "current_save_keys_total"]);
    snapshots(shared, &stats, text);
    log(shared, &stats, text);
    text.zeros(&["module_fork_in_progress", "module_fork_last_cow_size"]);
    if persistence.is_some() {
        text.field("aof_current_size", stats.log_bytes);
        text.field("aof_base_size", stats.last_snapshot.map_or(0, |last| last.bytes));
        text.field("aof_pending_rewrite", 0);
        text.field("aof_buffer_length", stats.waiting_bytes);
        text.zeros(&["aof_pending_bio_fsync", "aof_delayed_fsync"]);
    }
}

fn snapshots(shared: &Shared, stats: &PersistenceStats, text: &mut Text) {
    let took = stats.last_snapshot.map(|last| last.duration).filter(|took| !took.is_zero());
    text.field("rdb_changes_since_last_save", 0);
    text.field("rdb_bgsave_in_progress", u8::from(stats.snapshot_percent.is_some()));
    text.field("rdb_last_save_time", last_save_s(shared));
    text.field("rdb_last_bgsave_status", status(!shared.saves.has_failed()));
    match took {
        Some(took) => text.field("rdb_last_bgsave_time_sec", millis(took) / 1000),
        None => text.field("rdb_last_bgsave_time_sec", -1),
    }
    text.field("rdb_current_bgsave_time_sec", -1);
    text.field("rdb_saves", stats.snapshots);
    text.zeros(&["rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded"]);
}

fn log(shared: &Shared, stats: &PersistenceStats, text: &mut Text) {
    let is_enabled = shared.gate.persistence().is_some();
    // The store is not touched while it is being loaded.
    let is_well = shared.gate.open().is_err()
        || (shared.gate.store().progress().health().is_ok() && !stats.disk_full);
    text.field("aof_enabled", u8::from(is_enabled));
    text.zeros(&["aof_rewrite_in_progress", "aof_rewrite_scheduled"]);
    text.field("aof_last_rewrite_time_sec", -1);
    text.field("aof_current_rewrite_time_sec", -1);
    text.field("aof_last_bgrewrite_status", status(!shared.saves.has_failed()));
    text.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    text.field("aof_last_write_status", status(is_well));
    text.field("aof_last_cow_size", 0);
}

fn status(is_well: bool) -> &'static str {
    if is_well { "ok" } else { "err" }
}

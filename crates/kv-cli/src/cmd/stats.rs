//! `stats`: tells how the server is.

use std::time::{Duration, UNIX_EPOCH};

use clap::Args;
use kv_client::{PersistenceStats, Stats as ServerStats};
use serde_json::{Map, Value};

use super::level;
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::Output;
use crate::table::Table;

/// Tell what the server holds and has done since it started
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli stats
  kv-cli stats --output json | jq .keys")]
pub(crate) struct Stats {}

impl Stats {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let stats = context.client.stats().await?;
        let fields = fields(&stats);
        let screen = &mut context.screen;
        match screen.output {
            Output::Table => {
                let mut table = Table::new(["NAME", "VALUE"]);
                for (name, value) in &fields {
                    table.row([(*name).to_owned(), show(value)]);
                }
                table.write(screen.out())?;
            }
            Output::Raw => {
                for (name, value) in &fields {
                    screen.line(format_args!("{name} {}", show(value)))?;
                }
            }
            Output::Json => {
                let named = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
                screen.json(&named.collect::<Map<_, _>>())?;
            }
        }
        Ok(())
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// Every figure, by the name it has in the contract.
fn fields(stats: &ServerStats) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("server_version", stats.server_version.as_str().into()),
        ("uptime_ms", millis(stats.uptime)),
        ("keys", stats.keys.into()),
        ("volatile_keys", stats.volatile_keys.into()),
        ("payload_bytes", stats.payload_bytes.into()),
        ("memory_used_bytes", stats.memory_used_bytes.into()),
        ("memory_limit_bytes", stats.memory_limit_bytes.into()),
        ("eviction_policy", stats.eviction_policy.as_str().into()),
        ("hits", stats.hits.into()),
        ("misses", stats.misses.into()),
        ("writes", stats.writes.into()),
        ("expired_keys", stats.expired_keys.into()),
        ("evicted_keys", stats.evicted_keys.into()),
        ("evicted_bytes", stats.evicted_bytes.into()),
        ("expiry_lag_p50_ms", millis(stats.expiry_lag_p50)),
        ("expiry_lag_p99_ms", millis(stats.expiry_lag_p99)),
        ("expiry_lag_max_ms", millis(stats.expiry_lag_max)),
        ("shards", stats.shards.into()),
        ("shard_keys_min", stats.shard_keys_min.into()),
        ("shard_keys_max", stats.shard_keys_max.into()),
        ("durability_max", level(stats.durability_max).into()),
        ("persist_enabled", stats.persistence.is_some().into()),
    ];
    fields.extend(stats.persistence.iter().flat_map(persistence));
    fields
}

/// Every figure of what is on disk.
fn persistence(stats: &PersistenceStats) -> [(&'static str, Value); 14] {
    let last = stats.last_snapshot.as_ref();
    let taken_at = last.map(|snapshot| {
        let since_epoch = snapshot.taken_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        millis(since_epoch)
    });
    [
        ("persist_fsync", stats.fsync.as_str().into()),
        ("log_position", stats.log_position.into()),
        ("durable_position", stats.durable_position.into()),
        ("log_bytes", stats.log_bytes.into()),
        ("log_segments", stats.log_segments.into()),
        ("waiting_bytes", stats.waiting_bytes.into()),
        ("syncs", stats.syncs.into()),
        ("last_snapshot_taken_at_ms", taken_at.into()),
        ("last_snapshot_keys", last.map(|snapshot| snapshot.keys).into()),
        ("last_snapshot_bytes", last.map(|snapshot| snapshot.bytes).into()),
        ("last_snapshot_duration_ms", last.map(|snapshot| millis(snapshot.duration)).into()),
        ("snapshot_failures", stats.snapshot_failures.into()),
        ("torn_tail_bytes", stats.torn_tail_bytes.into()),
        ("log_failure", stats.failure.as_deref().into()),
    ]
}

fn millis(time: Duration) -> Value {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into()
}

//! What was done: in all, by command, by error, and how long it took.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Server;
use super::text::Text;
use crate::metrics::{Label as _, Operation};

/// `# Stats`: since the start, or since the statistics were reset.
pub(super) fn stats(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    let (totals, statistics) = (shared.totals(), &shared.statistics);
    let rates = &statistics.rates;
    let kbps = |rate: &std::sync::atomic::AtomicU64| {
        format!("{:.2}", super::text::ratio(rate.load(Ordering::Relaxed), 1024))
    };
    text.field("total_connections_received", totals.connections);
    text.field("total_commands_processed", statistics.commands.calls());
    text.field("instantaneous_ops_per_sec", rates.commands.load(Ordering::Relaxed));
    text.field("total_net_input_bytes", totals.received);
    text.field("total_net_output_bytes", totals.sent);
    text.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    text.field("instantaneous_input_kbps", kbps(&rates.received));
    text.field("instantaneous_output_kbps", kbps(&rates.sent));
    text.field("instantaneous_input_repl_kbps", "0.00");
    text.field("instantaneous_output_repl_kbps", "0.00");
    text.field("rejected_connections", totals.connections_refused);
    text.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    text.field("expired_keys", totals.expired_keys);
    text.field("expired_stale_perc", "0.00");
    text.zeros(&["expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"]);
    text.field("evicted_keys", totals.evicted_keys);
    text.zeros(&["evicted_clients", "total_eviction_exceeded_time"]);
    text.field("current_eviction_exceeded_time", 0);
    text.field("keyspace_hits", totals.hits);
    text.field("keyspace_misses", totals.misses);
    text.zeros(&["pubsub_channels", "pubsub_patterns", "pubsubshard_channels"]);
    text.zeros(&["latest_fork_usec", "total_forks", "migrate_cached_sockets"]);
    text.zeros(&["slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses"]);
    text.zeros(&["active_defrag_key_hits", "active_defrag_key_misses"]);
    text.zeros(&["total_active_defrag_time", "current_active_defrag_time"]);
    text.zeros(&["tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"]);
    text.field("unexpected_error_replies", 0);
    text.field("total_error_replies", statistics.errors.all().values().sum::<u64>());
    text.zeros(&["dump_payload_sanitizations", "total_reads_processed"]);
    text.zeros(&["total_writes_processed", "io_threaded_reads_processed"]);
    text.zeros(&["io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands"]);
}

/// `# Commandstats`: the time of commands that arrived together is shared out evenly among them.
pub(super) fn commandstats(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    for (command, count) in shared.statistics.commands.all() {
        let micros = count.took.as_micros();
        let each = count.took.as_secs_f64() * 1e6 / calls_or_one(count.calls);
        text.field(
            format_args!("cmdstat_{}", command.full_name()),
            format_args!(
                "calls={},usec={micros},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
                count.calls, count.rejected, count.failed
            ),
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people, who read a few digits")]
fn calls_or_one(calls: u64) -> f64 {
    calls.max(1) as f64
}

/// `# Errorstats`
pub(super) fn errorstats(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    for (code, count) in shared.statistics.errors.all() {
        text.field(format_args!("errorstat_{code}"), format_args!("count={count}"));
    }
}

/// `# Latencystats`: of commands by their kind, as in the metrics. A command takes as long as those that arrived
/// with it.
pub(super) fn latencystats(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    let totals = shared.totals();
    for (operation, latency) in Operation::ALL.iter().zip(&totals.latencies) {
        if latency.count() > 0 {
            let micros = |quantile| duration_us(latency.quantile(quantile));
            text.field(
                format_args!("latency_percentiles_usec_{}", operation.name()),
                format_args!("p50={},p99={},p99.9={}", micros(0.5), micros(0.99), micros(0.999)),
            );
        }
    }
}

fn duration_us(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1e6)
}

//! The table of settings: Redis's names for ours, and ours themselves, as `kv.engine.shards`.
//!
//! Settings of Redis that this server has no counterpart of are not in it: nobody is told that they could be
//! changed.

use std::net::SocketAddr;
use std::path::absolute;

use super::values::{self, Reader};
use crate::config::{Config, Span};
use crate::listener::BACKLOG;
use crate::resp::commands::call::Call;
use crate::resp::request::is;
use crate::resp::settings::CHANGEABLE;

/// A setting and its value.
pub(super) struct Parameter {
    /// In small letters.
    pub(super) name: String,
    pub(super) value: String,
    /// When it can be changed: what the configuration calls it, and how a client's value is read.
    pub(super) change: Option<(&'static str, Reader)>,
}

impl Parameter {
    /// Whether this is its name, in any case. Ours may go without the prefix.
    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        is(name, &self.name)
            || self.name.strip_prefix(OURS).is_some_and(|without| is(name, without))
    }
}

/// What `maxclients` is called in the configuration.
pub(super) const CONNECTIONS_MAX: &str = "limits.connections_max";

/// What `save` is called in the configuration.
pub(super) const SNAPSHOT_INTERVAL: &str = "persist.snapshot_interval";

/// What our own names begin with.
const OURS: &str = "kv.";

/// Every setting, as a client sees it.
pub(super) fn all(call: &Call<'_>) -> Vec<Parameter> {
    let config = &call.shared.config_now();
    let local = call.client.record.peer.local;
    let is_kept = call.shared.gate.persistence().is_some();
    let redis = REDIS.iter().map(|(name, show, change)| Parameter {
        name: (*name).to_owned(),
        value: show(&Server { config, local, is_kept }),
        change: *change,
    });
    let ours = config.entries().into_iter().map(|(key, value)| Parameter {
        name: format!("{OURS}{key}"),
        value,
        change: CHANGEABLE.contains(&key).then_some((key, values::ours as Reader)),
    });
    redis.chain(ours).collect()
}

/// What values are told from.
struct Server<'a> {
    config: &'a Config,
    /// Where the client is connected to.
    local: SocketAddr,
    /// Whether data is kept on disk.
    is_kept: bool,
}

/// Name, value, and how it can be changed.
type Row = (&'static str, fn(&Server<'_>) -> String, Option<(&'static str, Reader)>);

/// Redis's names.
const REDIS: &[Row] = &[
    (
        "maxmemory",
        |server| server.config.engine.memory_limit.get().to_string(),
        Some(("engine.memory_limit", values::memory)),
    ),
    (
        "maxmemory-policy",
        |server| values::policy_name(server.config.engine.eviction_policy),
        Some(("engine.eviction_policy", values::policy)),
    ),
    (
        "maxclients",
        |server| server.config.limits.connections_max.get().to_string(),
        Some((CONNECTIONS_MAX, values::clients)),
    ),
    (
        "timeout",
        |server| {
            let timeout = server.config.resp.idle_timeout.get();
            timeout.map_or(0, |timeout| timeout.get().as_secs()).to_string()
        },
        Some(("resp.idle_timeout", values::timeout)),
    ),
    (
        "slowlog-log-slower-than",
        |server| {
            let threshold = server.config.log.slow_threshold.get();
            threshold.map_or("-1".to_owned(), |threshold| threshold.as_micros().to_string())
        },
        Some(("log.slow_threshold", values::threshold)),
    ),
    (
        "slowlog-max-len",
        |server| server.config.log.slow_entries.get().to_string(),
        Some(("log.slow_entries", values::entries)),
    ),
    ("appendonly", |server| values::yes_no(server.is_kept), None),
    ("appendfsync", appendfsync, Some(("persist.fsync", values::fsync))),
    ("save", save, Some((SNAPSHOT_INTERVAL, values::save))),
    (
        "dir",
        |server| {
            let path = server.config.data_dir.path();
            absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
        },
        None,
    ),
    ("databases", |_server| "1".to_owned(), None),
    (
        "bind",
        |server| {
            let addr = server.config.server.resp_addr.get();
            addr.map(|addr| addr.ip().to_string()).unwrap_or_default()
        },
        None,
    ),
    ("port", |server| server.local.port().to_string(), None),
    ("tcp-backlog", |_server| BACKLOG.to_string(), None),
    ("tcp-keepalive", |_server| tcp_keepalive(), None),
    ("proto-max-bulk-len", |server| server.config.limits.value_bytes_max.get().to_string(), None),
    (
        "client-query-buffer-limit",
        |_server| kv_resp::Limits::default().request_bytes_max.to_string(),
        None,
    ),
    (
        "client-output-buffer-limit",
        |server| {
            let max = server.config.limits.output_bytes_max.get();
            format!("normal 0 {max} 60 slave 0 0 0 pubsub 0 0 0")
        },
        None,
    ),
    ("requirepass", |_server| String::new(), None),
    ("cluster-enabled", |_server| values::yes_no(false), None),
    ("io-threads", |server| server.config.server.thread_count().to_string(), None),
];

fn appendfsync(server: &Server<'_>) -> String {
    values::fsync_name(server.config.persist.fsync).to_owned()
}

/// A snapshot is taken after so many seconds if there was one change.
fn save(server: &Server<'_>) -> String {
    let interval = server.config.persist.snapshot_interval.get();
    let interval = interval.filter(|_span| server.is_kept).map(Span::get);
    interval.map(|interval| format!("{} 1", interval.as_secs())).unwrap_or_default()
}

/// Seconds until the system asks a silent client for a sign of life. Where that is not told, it is 0.
fn tcp_keepalive() -> String {
    let seconds = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_keepalive_time");
    seconds.map_or("0".to_owned(), |seconds| seconds.trim().to_owned())
}

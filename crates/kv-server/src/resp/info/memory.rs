//! Memory, and the keys it is used for.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use kv_core::StoreStats;

use super::Server;
use super::text::{Text, ratio};
use crate::resp::clients::RECORD_BYTES;
use crate::resp::commands::policy_name;
use crate::resp::shared::Shared;

/// The allocator of the program.
const ALLOCATOR: &str = "mimalloc";

/// Memory now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// What the store has; nothing while it is being loaded.
    pub(crate) store: StoreStats,
    /// The most that was used whenever somebody looked.
    pub(crate) peak: u64,
    /// Of the process, as the system sees it.
    pub(crate) resident: u64,
    /// Of connections.
    pub(crate) clients: u64,
    /// Bytes that wait for the log.
    pub(crate) log: u64,
}

/// The most memory that was ever seen to be used.
#[derive(Debug, Default)]
pub(crate) struct Peak(AtomicU64);

impl Memory {
    /// Looks.
    pub(crate) fn now(shared: &Shared) -> Self {
        let store = match shared.gate.open() {
            Ok(()) => shared.gate.store().stats(),
            Err(_loading) => StoreStats::default(),
        };
        let used = store.memory_used_bytes;
        let peak = shared.peak.0.fetch_max(used, Ordering::Relaxed).max(used);
        let clients = shared.clients.all().into_iter().map(|client| {
            let seen = client.seen();
            RECORD_BYTES + seen.received + seen.room + seen.unsent
        });
        let log = shared.gate.persistence().map_or(0, |log| log.stats().waiting_bytes);
        Self {
            store,
            peak,
            resident: kib_of("/proc/self/status", "VmRSS:"),
            clients: clients.sum::<usize>() as u64,
            log,
        }
    }

    /// Used beside keys and values.
    pub(crate) fn overhead(&self) -> u64 {
        self.store.memory_used_bytes.saturating_sub(self.store.payload_bytes)
    }
}

/// `# Memory`: what the store accounts for, as its limit does.
pub(super) fn memory(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    let now = Memory::now(shared);
    let (store, used) = (&now.store, now.store.memory_used_bytes);
    text.bytes("used_memory", used);
    text.bytes("used_memory_rss", now.resident);
    text.bytes("used_memory_peak", now.peak);
    text.field("used_memory_peak_perc", percent(used, now.peak));
    text.field("used_memory_overhead", now.overhead());
    text.field("used_memory_startup", 0);
    text.field("used_memory_dataset", store.payload_bytes);
    text.field("used_memory_dataset_perc", percent(store.payload_bytes, used));
    text.zeros(&["allocator_allocated", "allocator_active", "allocator_resident"]);
    text.bytes("total_system_memory", kib_of("/proc/meminfo", "MemTotal:"));
    text.bytes("used_memory_lua", 0);
    text.zeros(&["used_memory_vm_eval", "used_memory_scripts_eval", "number_of_cached_scripts"]);
    text.zeros(&["number_of_functions", "number_of_libraries", "used_memory_vm_functions"]);
    text.bytes("used_memory_vm_total", 0);
    text.field("used_memory_functions", 0);
    text.bytes("used_memory_scripts", 0);
    text.bytes("maxmemory", store.memory_limit_bytes);
    text.field("maxmemory_policy", policy_name(shared.config_now().engine.eviction_policy));
    text.field("allocator_frag_ratio", "0.00");
    text.field("allocator_frag_bytes", 0);
    text.field("allocator_rss_ratio", "0.00");
    text.field("allocator_rss_bytes", 0);
    text.field("rss_overhead_ratio", "0.00");
    text.field("rss_overhead_bytes", 0);
    text.field("mem_fragmentation_ratio", format_args!("{:.2}", ratio(now.resident, used)));
    text.field("mem_fragmentation_bytes", i128::from(now.resident) - i128::from(used));
    text.zeros(&["mem_not_counted_for_evict", "mem_replication_backlog"]);
    text.zeros(&["mem_total_replication_buffers", "mem_clients_slaves"]);
    text.field("mem_clients_normal", now.clients);
    text.field("mem_cluster_links", 0);
    text.field("mem_aof_buffer", now.log);
    text.field("mem_allocator", ALLOCATOR);
    text.zeros(&["active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects"]);
}

/// `# Keyspace`: one database, shown when it has keys.
pub(super) fn keyspace(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    if shared.gate.open().is_err() {
        return;
    }
    let StoreStats { keys, volatile_keys, .. } = shared.gate.store().stats();
    if keys > 0 {
        text.field("db0", format_args!("keys={keys},expires={volatile_keys},avg_ttl=0"));
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", 100.0 * ratio(part, whole))
}

/// From a line such as `VmRSS:     1234 kB`, in bytes; 0 where there is none.
fn kib_of(path: &str, name: &str) -> u64 {
    let told = fs::read_to_string(path).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

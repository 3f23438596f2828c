//! The latest slow requests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kv_core::latency_ns;
use serde_json::{Map, Value, json};

use super::beside::Beside;
use super::counts::{Jobs, SlowCounts};
use super::line::{Lines, micros};
use super::request::{Over, Slow};
use crate::clock::wall_ms;
use crate::config::LogSection;
use crate::gate::Gate;
use crate::metrics::{Label as _, Phase};

/// The threshold that nothing reaches.
const NEVER: u64 = u64::MAX;

/// The latest slow requests, and how many there were.
pub(crate) struct SlowRequests {
    /// Nanoseconds from which on a request is slow; [`NEVER`] when none is.
    threshold_ns: AtomicU64,
    /// Most entries.
    len_max: AtomicUsize,
    entries: Mutex<Entries>,
    counts: SlowCounts,
    jobs: Jobs,
    lines: Lines,
}

#[derive(Debug, Default)]
struct Entries {
    /// The newest first.
    list: VecDeque<Arc<Slow>>,
    next_id: u64,
}

impl fmt::Debug for SlowRequests {
    /// Without the requests: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowRequests")
            .field("threshold_ns", &self.threshold_ns)
            .finish_non_exhaustive()
    }
}

impl SlowRequests {
    /// Remembers what the settings say.
    pub(crate) fn new(settings: &LogSection) -> Self {
        let requests = Self {
            threshold_ns: AtomicU64::new(NEVER),
            len_max: AtomicUsize::new(0),
            entries: Mutex::default(),
            counts: SlowCounts::default(),
            jobs: Jobs::default(),
            lines: Lines::default(),
        };
        requests.follow(settings);
        requests
    }

    /// Remembers what the settings say from now on; the oldest entries beyond are dropped.
    pub(crate) fn follow(&self, settings: &LogSection) {
        let threshold = settings.slow_threshold.get();
        self.threshold_ns.store(threshold.map_or(NEVER, latency_ns), Ordering::Relaxed);
        let len_max = settings.slow_entries.as_usize();
        self.len_max.store(len_max, Ordering::Relaxed);
        self.entries().list.truncate(len_max);
    }

    /// Whether what took so long is slow.
    #[inline]
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        let threshold_ns = self.threshold_ns.load(Ordering::Relaxed);
        latency_ns(took) >= threshold_ns && threshold_ns != NEVER
    }

    /// Remembers a slow request that is over now, counts it, and perhaps writes about it.
    #[cold]
    pub(crate) fn add(&self, gate: &Gate, over: Over) {
        self.counts.add(over.protocol, &over.phases);
        let beside = Beside::look(gate, over.phases.total());
        let slow = self.keep(over, beside);
        self.lines.write(&slow, gate.started().elapsed());
    }

    fn keep(&self, over: Over, beside: Beside) -> Arc<Slow> {
        let at_ms = wall_ms();
        let len_max = self.len_max.load(Ordering::Relaxed);
        let mut entries = self.entries();
        let id = entries.next_id;
        entries.next_id += 1;
        let slow = Arc::new(Slow { id, at_ms, over, beside });
        // Made room for first, so that the list never takes more than it may.
        entries.list.truncate(len_max.saturating_sub(1));
        if len_max > 0 {
            entries.list.push_front(Arc::clone(&slow));
        }
        slow
    }

    /// How many there were.
    pub(crate) fn counts(&self) -> &SlowCounts {
        &self.counts
    }

    /// The work that is done for clients beside the threads that serve them.
    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// The entries, the newest first, and what they are measured by.
    pub(crate) fn shown(&self) -> Value {
        let entries: Vec<Arc<Slow>> = self.entries().list.iter().cloned().collect();
        let threshold = self.threshold_ns.load(Ordering::Relaxed);
        let threshold_us = (threshold != NEVER).then_some(threshold / 1000);
        json!({
            "threshold_us": threshold_us,
            "entries_max": self.len_max.load(Ordering::Relaxed),
            "requests": entries.iter().map(|slow| show(slow)).collect::<Vec<_>>(),
        })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing can be half done under this lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show(slow: &Slow) -> Value {
    let Over { protocol, operation, operations, client, client_name, words, phases, arrival } =
        &slow.over;
    let by_phase: Map<String, Value> = Phase::ALL
        .iter()
        .map(|phase| (phase.name().to_owned(), micros(phases.of(*phase)).into()))
        .collect();
    json!({
        "id": slow.id,
        "at_ms": slow.at_ms,
        "protocol": protocol.name(),
        "operation": operation.name(),
        "operations": operations,
        "command": words.texts(),
        "client": client.to_string(),
        "client_name": client_name,
        "took_us": micros(phases.total()),
        "phases_us": by_phase,
        "arrival_us": micros(*arrival),
        "beside": slow.beside.names().collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::config::Config;
    use crate::metrics::{Operation, Protocol};
    use crate::slow::{Phases, Words};

    fn settings(threshold: &str, entries: &str) -> LogSection {
        let mut config = Config::default();
        config.set("log.slow_threshold", threshold).unwrap();
        config.set("log.slow_entries", entries).unwrap();
        config.log
    }

    fn over(key: &str) -> Over {
        Over {
            protocol: Protocol::Resp,
            operation: Operation::Get,
            operations: 3,
            client: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            client_name: "me".into(),
            words: Words::of(["GET", key].iter()),
            phases: Phases { log: Duration::from_millis(20), ..Phases::default() },
            arrival: Duration::ZERO,
        }
    }

    fn ids(requests: &SlowRequests) -> Vec<u64> {
        requests.entries().list.iter().map(|slow| slow.id).collect()
    }

    #[test]
    fn so_many_are_kept_and_the_oldest_go() {
        let requests = SlowRequests::new(&settings("10ms", "2"));
        for key in ["a", "b"] {
            requests.keep(over(key), Beside::default());
        }
        assert_eq!(ids(&requests), [1, 0]);
        requests.keep(over("c"), Beside::default());
        assert_eq!(ids(&requests), [2, 1]);
        requests.follow(&settings("10ms", "1"));
        assert_eq!(ids(&requests), [2]);
        requests.follow(&settings("10ms", "0"));
        requests.keep(over("d"), Beside::default());
        assert_eq!(ids(&requests), [0; 0]);
        requests.follow(&settings("10ms", "10000"));
        for _ in 0..10_001 {
            requests.keep(over("e"), Beside::default());
        }
        assert_eq!(ids(&requests).len(), 10_000);
        assert!(Config::default().set("log.slow_entries", "10001").is_err());
    }

    #[test]
    fn a_request_is_slow_from_the_threshold_on_unless_none_is() {
        let requests = SlowRequests::new(&settings("10ms", "1"));
        assert!(requests.is_slow(Duration::from_millis(10)));
        assert!(!requests.is_slow(Duration::from_nanos(9_999_999)));
        requests.follow(&settings("0s", "1"));
        assert!(requests.is_slow(Duration::ZERO));
        requests.follow(&settings("off", "1"));
        assert!(!requests.is_slow(Duration::MAX));
    }

    #[test]
    fn an_entry_says_where_the_time_went() {
        let requests = SlowRequests::new(&settings("10ms", "1"));
        requests.keep(over("k"), Beside::default());
        let shown = requests.shown();
        assert_eq!((&shown["threshold_us"], &shown["entries_max"]), (&json!(10_000), &json!(1)));
        let entry = &shown["requests"][0];
        assert_eq!(entry["command"], json!(["GET", "k"]));
        assert_eq!(entry["took_us"], json!(20_000));
        assert_eq!(entry["phases_us"]["log"], json!(20_000));
        assert_eq!(entry["phases_us"]["queue"], json!(0));
    }
}

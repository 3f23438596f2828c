//! How many requests were slow, and where their time went in all.

use std::array::from_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use kv_core::latency_ns;

use super::request::Phases;
use crate::metrics::{Label as _, Phase, Protocol};

/// Counts slow requests. All threads alike do: there are few.
#[derive(Debug)]
pub(crate) struct SlowCounts {
    protocols: [ProtocolCounts; Protocol::COUNT],
}

#[derive(Debug, Default)]
struct ProtocolCounts {
    requests: AtomicU64,
    nanos: [AtomicU64; Phase::COUNT],
}

impl Default for SlowCounts {
    fn default() -> Self {
        Self { protocols: from_fn(|_place| ProtocolCounts::default()) }
    }
}

impl SlowCounts {
    pub(super) fn add(&self, protocol: Protocol, phases: &Phases) {
        let Some(counts) = self.protocols.get(protocol.place()) else { return };
        counts.requests.fetch_add(1, Ordering::Relaxed);
        for (phase, nanos) in Phase::ALL.iter().copied().zip(&counts.nanos) {
            nanos.fetch_add(latency_ns(phases.of(phase)), Ordering::Relaxed);
        }
    }

    /// How many requests of a protocol were slow.
    pub(crate) fn requests(&self, protocol: Protocol) -> u64 {
        self.of(protocol).map_or(0, |counts| counts.requests.load(Ordering::Relaxed))
    }

    /// How long a phase of them took in all.
    pub(crate) fn took(&self, protocol: Protocol, phase: Phase) -> Duration {
        let nanos = self.of(protocol).and_then(|counts| counts.nanos.get(phase.place()));
        Duration::from_nanos(nanos.map_or(0, |nanos| nanos.load(Ordering::Relaxed)))
    }

    fn of(&self, protocol: Protocol) -> Option<&ProtocolCounts> {
        self.protocols.get(protocol.place())
    }
}

/// Counts the work that is done for clients beside the threads that serve them.
#[derive(Debug, Default)]
pub(crate) struct Jobs(AtomicUsize);

/// A job, until this is dropped.
#[derive(Debug)]
pub(crate) struct Job<'a>(&'a Jobs);

impl Jobs {
    /// Begins one.
    pub(crate) fn begin(&self) -> Job<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Job(self)
    }

    /// Whether there is one.
    pub(super) fn are_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_slow_adds_up_by_protocol_and_phase() {
        let counts = SlowCounts::default();
        let phases = Phases {
            log: Duration::from_millis(3),
            reply: Duration::from_millis(1),
            ..Phases::default()
        };
        counts.add(Protocol::Http, &phases);
        counts.add(Protocol::Http, &phases);
        assert_eq!((counts.requests(Protocol::Http), counts.requests(Protocol::Resp)), (2, 0));
        assert_eq!(counts.took(Protocol::Http, Phase::Log), Duration::from_millis(6));
        assert_eq!(counts.took(Protocol::Http, Phase::Queue), Duration::ZERO);
    }

    #[test]
    fn a_job_is_under_way_until_it_is_dropped() {
        let jobs = Jobs::default();
        let job = jobs.begin();
        assert!(jobs.are_under_way());
        drop(job);
        assert!(!jobs.are_under_way());
    }
}

//! What is counted at every request: written by each thread for itself, added up when somebody looks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kv_core::{LATENCY_BUCKETS, Latency, latency_bucket, latency_ns};

use super::labels::{ErrorKind, Label as _, Operation, Protocol};
use super::seat::{SEATS, SHARED, seat};

/// The counters of all threads. Those of one take 13 KiB and exist once it has counted something.
pub(super) struct Counters {
    threads: Box<[OnceLock<Box<ThreadCounters>>]>,
}

/// One thread's counters, on cache lines that no other thread writes to.
#[repr(align(128))]
struct ThreadCounters {
    protocols: [ProtocolCounters; Protocol::COUNT],
}

struct ProtocolCounters {
    latencies: [LatencyCounters; Operation::COUNT],
    errors: [AtomicU64; ErrorKind::COUNT],
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

struct LatencyCounters {
    buckets: [AtomicU64; LATENCY_BUCKETS],
    sum_ns: AtomicU64,
}

/// How a thread adds: alone to what is its own, or together with others.
#[derive(Clone, Copy)]
enum Adding {
    Alone,
    Together,
}

impl Adding {
    /// Adds without order to anything else: what is counted is looked at much later.
    fn add(self, counter: &AtomicU64, more: u64) {
        match self {
            Self::Alone => {
                let before = counter.load(Ordering::Relaxed);
                counter.store(before.wrapping_add(more), Ordering::Relaxed);
            }
            Self::Together => {
                counter.fetch_add(more, Ordering::Relaxed);
            }
        }
    }
}

impl Counters {
    pub(super) fn new() -> Self {
        Self { threads: (0..=SEATS).map(|_seat| OnceLock::new()).collect() }
    }

    pub(super) fn record(
        &self,
        (protocol, operation): (Protocol, Operation),
        took: Duration,
        count: u64,
    ) {
        self.with_mine(protocol, |mine, adding| {
            let Some(latency) = mine.latencies.get(operation.place()) else { return };
            let nanos = latency_ns(took);
            if let Some(bucket) = latency.buckets.get(latency_bucket(nanos)) {
                adding.add(bucket, count);
            }
            adding.add(&latency.sum_ns, nanos.saturating_mul(count));
        });
    }

    pub(super) fn error(&self, protocol: Protocol, kind: ErrorKind) {
        self.with_mine(protocol, |mine, adding| {
            if let Some(errors) = mine.errors.get(kind.place()) {
                adding.add(errors, 1);
            }
        });
    }

    pub(super) fn bytes_in(&self, protocol: Protocol, bytes: u64) {
        self.with_mine(protocol, |mine, adding| adding.add(&mine.bytes_in, bytes));
    }

    pub(super) fn bytes_out(&self, protocol: Protocol, bytes: u64) {
        self.with_mine(protocol, |mine, adding| adding.add(&mine.bytes_out, bytes));
    }

    fn with_mine(&self, protocol: Protocol, count: impl FnOnce(&ProtocolCounters, Adding)) {
        let seat = seat();
        let adding = if seat == SHARED { Adding::Together } else { Adding::Alone };
        // There is a place for every seat and every protocol.
        if let Some(mine) = self.threads.get(seat)
            && let Some(mine) =
                mine.get_or_init(ThreadCounters::boxed).protocols.get(protocol.place())
        {
            count(mine, adding);
        }
    }

    pub(super) fn latency(&self, protocol: Protocol, operation: Operation) -> Latency {
        let mut sum = Latency::default();
        for theirs in self.of_all(protocol) {
            let Some(theirs) = theirs.latencies.get(operation.place()) else { continue };
            for (sum, theirs) in sum.buckets.iter_mut().zip(&theirs.buckets) {
                *sum += theirs.load(Ordering::Relaxed);
            }
            sum.sum_ns = sum.sum_ns.wrapping_add(theirs.sum_ns.load(Ordering::Relaxed));
        }
        sum
    }

    pub(super) fn errors(&self, protocol: Protocol, kind: ErrorKind) -> u64 {
        let counts = self.of_all(protocol).filter_map(|theirs| theirs.errors.get(kind.place()));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Bytes received and sent.
    pub(super) fn bytes(&self, protocol: Protocol) -> (u64, u64) {
        self.of_all(protocol).fold((0, 0), |(received, sent), theirs| {
            let more = theirs.bytes_in.load(Ordering::Relaxed);
            (received + more, sent + theirs.bytes_out.load(Ordering::Relaxed))
        })
    }

    fn of_all(&self, protocol: Protocol) -> impl Iterator<Item = &ProtocolCounters> {
        let threads = self.threads.iter().filter_map(OnceLock::get);
        threads.filter_map(move |thread| thread.protocols.get(protocol.place()))
    }
}

impl ThreadCounters {
    fn boxed() -> Box<Self> {
        Box::new(Self { protocols: std::array::from_fn(|_place| ProtocolCounters::new()) })
    }
}

impl ProtocolCounters {
    fn new() -> Self {
        Self {
            latencies: std::array::from_fn(|_place| LatencyCounters {
                buckets: [const { AtomicU64::new(0) }; LATENCY_BUCKETS],
                sum_ns: AtomicU64::new(0),
            }),
            errors: [const { AtomicU64::new(0) }; ErrorKind::COUNT],
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const TOOK: Duration = Duration::from_micros(4);
    const HERE: (Protocol, Operation) = (Protocol::Resp, Operation::Get);

    #[test]
    fn what_threads_count_is_added_up_and_stays_when_they_end() {
        let counters = Counters::new();
        for _ in 0..3 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..1000 {
                            counters.record(HERE, TOOK, 2);
                            counters.error(Protocol::Http, ErrorKind::State);
                            counters.bytes_in(Protocol::Grpc, 3);
                            counters.bytes_out(Protocol::Grpc, 5);
                        }
                    });
                }
            });
        }
        let latency = counters.latency(HERE.0, HERE.1);
        assert_eq!(latency.count(), 24_000);
        assert_eq!(latency.buckets[3], 24_000, "above 3 µs, up to 5 µs");
        assert_eq!(latency.sum_ns, 24_000 * 4000);
        assert_eq!(counters.errors(Protocol::Http, ErrorKind::State), 12_000);
        assert_eq!(counters.bytes(Protocol::Grpc), (36_000, 60_000));
        assert_eq!(counters.bytes(Protocol::Http), (0, 0));
        assert_eq!(counters.latency(Protocol::Grpc, Operation::Get), Latency::default());
    }

    #[test]
    fn a_thread_s_counters_are_of_the_size_told() {
        assert!(size_of::<ThreadCounters>() <= 13 << 10, "{}", size_of::<ThreadCounters>());
    }

    #[test]
    fn threads_without_a_seat_lose_nothing() {
        let counter = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| Adding::Together.add(&counter, 1)));
            }
        });
        assert_eq!(counter.into_inner(), 40_000);
    }
}

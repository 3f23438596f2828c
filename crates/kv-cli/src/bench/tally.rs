//! What became of the operations.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::latency::Latency;
use super::load::Kind;
use crate::limits::BENCH_ERROR_KINDS_MAX;

/// What came of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A read found its key, or a write or delete was done.
    Done,
    /// A read found no key.
    Missed,
    /// The server refused, or nothing came: of this kind.
    Failed(Cow<'static, str>),
}

/// Errors by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Errors(BTreeMap<String, u64>);

/// Where kinds are counted that come after the bound.
const OTHERS: &str = "other";

impl Errors {
    /// Counts so many of a kind.
    pub(super) fn add(&mut self, kind: &str, count: u64) {
        let is_known = self.0.contains_key(kind) || self.0.len() < BENCH_ERROR_KINDS_MAX;
        let kind = if is_known { kind } else { OTHERS };
        match self.0.get_mut(kind) {
            Some(counted) => *counted += count,
            None => drop(self.0.insert(kind.to_owned(), count)),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The kinds in the order of the alphabet.
    pub(super) fn by_kind(&self) -> &BTreeMap<String, u64> {
        &self.0
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            self.add(kind, *count);
        }
    }
}

/// What became of the operations of some connections.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    reads: Latency,
    writes: Latency,
    deletes: Latency,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) errors: Errors,
    /// Operations that were due and could not be sent before the end.
    pub(super) unsent: u64,
    /// Connections that broke and could not be opened again.
    pub(super) connections_lost: u64,
    /// When the last answer came, after the start.
    pub(super) last: Duration,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            reads: Latency::new(),
            writes: Latency::new(),
            deletes: Latency::new(),
            hits: 0,
            misses: 0,
            errors: Errors::default(),
            unsent: 0,
            connections_lost: 0,
            last: Duration::ZERO,
        }
    }

    /// Counts an operation. The latency of one that failed is not among the others': a refusal is quick,
    /// and says nothing of how long the work takes.
    pub(super) fn count(&mut self, kind: Kind, answer: &Answer, latency: Duration) {
        match (kind, answer) {
            (_, Answer::Failed(error)) => return self.errors.add(error, 1),
            (Kind::Read, Answer::Done) => self.hits += 1,
            (Kind::Read, Answer::Missed) => self.misses += 1,
            _ => {}
        }
        match kind {
            Kind::Read => self.reads.record(latency),
            Kind::Write => self.writes.record(latency),
            Kind::Delete => self.deletes.record(latency),
        }
    }

    /// The latencies of a kind.
    pub(super) fn of(&self, kind: Kind) -> &Latency {
        match kind {
            Kind::Read => &self.reads,
            Kind::Write => &self.writes,
            Kind::Delete => &self.deletes,
        }
    }

    /// The latencies of all kinds.
    pub(super) fn of_all(&self) -> Latency {
        let mut all = self.reads.clone();
        all.add(&self.writes);
        all.add(&self.deletes);
        all
    }

    /// Adds those of other connections.
    pub(super) fn merge(&mut self, other: &Self) {
        self.reads.add(&other.reads);
        self.writes.add(&other.writes);
        self.deletes.add(&other.deletes);
        self.hits += other.hits;
        self.misses += other.misses;
        self.errors.merge(&other.errors);
        self.unsent += other.unsent;
        self.connections_lost += other.connections_lost;
        self.last = self.last.max(other.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_where_they_belong_and_failures_have_no_latency() {
        let (mut tally, mut other) = (Tally::new(), Tally::new());
        let millis = Duration::from_millis;
        tally.count(Kind::Read, &Answer::Done, millis(1));
        tally.count(Kind::Read, &Answer::Missed, millis(2));
        other.count(Kind::Write, &Answer::Done, millis(3));
        other.count(Kind::Delete, &Answer::Missed, millis(4));
        other.count(Kind::Write, &Answer::Failed("OOM".into()), millis(500));
        (other.unsent, other.last) = (7, millis(9));
        tally.merge(&other);
        let counts = Kind::ALL.map(|kind| tally.of(kind).count());
        assert_eq!((counts, tally.hits, tally.misses), ([2, 1, 1], 1, 1));
        assert_eq!((tally.unsent, tally.last), (7, millis(9)));
        assert_eq!(tally.errors.by_kind(), &BTreeMap::from([("OOM".to_owned(), 1)]));
        let all = tally.of_all();
        assert_eq!(all.count(), 4);
        assert!(all.max() < millis(5), "{all:?}");
    }

    #[test]
    fn kinds_of_errors_are_bounded_and_none_is_lost() {
        let mut errors = Errors::default();
        for kind in 0..1000 {
            errors.add(&format!("E{kind}"), 2);
        }
        assert_eq!(errors.count(), 2000);
        assert_eq!(errors.by_kind().len(), BENCH_ERROR_KINDS_MAX + 1);
    }
}

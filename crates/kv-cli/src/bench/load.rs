//! What is asked of the server: which operations, on which keys, with which values.

use std::time::Duration;

use bytes::Bytes;

use super::keys::{Chooser, Popularity};

/// The kinds of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Read,
    Write,
    Delete,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Delete];

    /// What a report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    /// The number of the key.
    pub(crate) key: u32,
}

/// How many operations of a hundred are of each kind; the rest are writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mix {
    pub(crate) reads: u8,
    pub(crate) deletes: u8,
}

impl Mix {
    /// A kind, by chance.
    fn draw(self, random: &mut fastrand::Rng) -> Kind {
        match random.u8(..100) {
            point if point < self.reads => Kind::Read,
            point if point < self.reads.saturating_add(self.deletes) => Kind::Delete,
            _ => Kind::Write,
        }
    }
}

/// What all connections do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) keys: u32,
    pub(crate) popularity: Popularity,
    pub(crate) mix: Mix,
    pub(crate) value_bytes: u32,
    pub(crate) ttl: Option<Duration>,
    pub(crate) seed: u64,
}

impl Load {
    /// The operations of each of so many connections. They follow from the seed and the number of the
    /// connection alone: neither threads nor timing changes them.
    pub(super) fn operations(&self, connections: u32) -> Vec<Operations> {
        let mut seeds = fastrand::Rng::with_seed(self.seed);
        let chooser = Chooser::new(self.keys, self.popularity);
        let operations = |_| {
            let random = fastrand::Rng::with_seed(seeds.u64(..));
            Operations { chooser, mix: self.mix, random }
        };
        (0..connections).map(operations).collect()
    }

    /// What every write writes. Letters and digits by chance: no server can make much of them smaller.
    pub(super) fn payload(&self) -> Payload {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let bytes =
            (0..self.value_bytes).map(|_| u8::try_from(random.alphanumeric()).unwrap_or(b'x'));
        Payload { value: bytes.collect(), ttl: self.ttl }
    }
}

/// The operations of one connection, without end.
#[derive(Debug, Clone)]
pub(super) struct Operations {
    chooser: Chooser,
    mix: Mix,
    random: fastrand::Rng,
}

impl Iterator for Operations {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let kind = self.mix.draw(&mut self.random);
        Some(Operation { kind, key: self.chooser.choose(&mut self.random) })
    }
}

/// What a write writes.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) value: Bytes,
    pub(crate) ttl: Option<Duration>,
}

impl Payload {
    /// The TTL in milliseconds.
    pub(crate) fn ttl_ms(&self) -> Option<u64> {
        crate::screen::ttl_ms(self.ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(seed: u64, reads: u8, deletes: u8) -> Load {
        Load {
            keys: 1000,
            popularity: Popularity::Uniform,
            mix: Mix { reads, deletes },
            value_bytes: 100,
            ttl: None,
            seed,
        }
    }

    fn operations(seed: u64, connections: u32) -> Vec<Vec<Operation>> {
        let operations = load(seed, 60, 10).operations(connections).into_iter();
        operations.map(|operations| operations.take(1000).collect()).collect()
    }

    #[test]
    fn a_seed_replays_and_connections_differ() {
        assert_eq!(operations(1, 3), operations(1, 3));
        assert_eq!(operations(1, 3), operations(1, 5)[..3], "others do not matter");
        assert_ne!(operations(1, 1), operations(2, 1));
        let of_all = operations(1, 3);
        assert!(of_all[0] != of_all[1] && of_all[1] != of_all[2]);
        assert_eq!(load(5, 0, 0).payload().value, load(5, 0, 0).payload().value);
        assert_eq!(load(5, 0, 0).payload().value.len(), 100);
    }

    #[test]
    fn the_mix_is_what_was_asked_for() {
        let check = |reads: u8, deletes: u8| {
            let mut counts = [0_u32; 3];
            let operations = load(9, reads, deletes).operations(1).remove(0);
            for operation in operations.take(100_000) {
                counts[operation.kind as usize] += 1;
            }
            let writes = 100 - reads - deletes;
            for (count, percent) in counts.into_iter().zip([reads, writes, deletes]) {
                let expected = u32::from(percent) * 1000;
                // Exactly none, or exactly all, at the ends.
                let slack = if percent.is_multiple_of(100) { 0 } else { 1000 };
                assert!(count.abs_diff(expected) <= slack, "{reads}/{deletes}: {counts:?}");
            }
        };
        for (reads, deletes) in [(90, 0), (60, 10), (0, 0), (100, 0), (0, 100), (1, 1)] {
            check(reads, deletes);
        }
    }
}

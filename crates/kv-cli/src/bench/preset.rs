//! Named loads: the scenarios of `KVMemo`'s benchmark specification (its `docs/BENCHMARKS.md`, section 5), each
//! with what it expects.
//!
//! What it leaves open is as everywhere: fifty connections, values that cannot be compressed. Its threads are
//! connections here. Its keys are filled in before its ten seconds of warm-up. Its latencies are those of a
//! call inside of one process; here the network is in them.

use std::time::Duration;

use super::expectation::{Expectation, Test};
use super::keys::Popularity;
use super::load::{Kind, Mix};

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Preset {
    /// A small working set: 10 000 keys of 100 bytes, no eviction
    Baseline,
    /// More data than memory: 100 000 keys of 1 KiB within 50 MB
    MemoryPressure,
    /// Keys that end after 30 s, all the time
    Ttl,
    /// 1, 2, 4, 8 and 16 connections, one run for each
    ShardContention,
    /// 80 % of the requests on 20 of 1000 keys, values of 10 KiB
    HotKeys,
}

/// What a scenario does, and what is expected of it.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// How the server has to be started for it.
    pub(crate) server: &'static str,
    pub(crate) connections: &'static [u32],
    pub(crate) keys: KeyCount,
    pub(crate) popularity: Popularity,
    pub(crate) mix: Mix,
    pub(crate) value_bytes: u32,
    pub(crate) ttl: Option<Duration>,
    pub(crate) duration: Duration,
    pub(crate) expectations: &'static [Expectation],
}

/// How long a scenario runs before anything is counted.
pub(crate) const WARMUP: Duration = Duration::from_secs(10);

/// How many keys there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyCount {
    All(u32),
    PerConnection(u32),
}

impl KeyCount {
    pub(crate) fn with(self, connections: u32) -> u32 {
        match self {
            Self::All(keys) => keys,
            Self::PerConnection(keys) => keys.saturating_mul(connections),
        }
    }
}

impl Preset {
    pub(crate) fn scenario(self) -> &'static Scenario {
        match self {
            Self::Baseline => &BASELINE,
            Self::MemoryPressure => &MEMORY_PRESSURE,
            Self::Ttl => &TTL,
            Self::ShardContention => &SHARD_CONTENTION,
            Self::HotKeys => &HOT_KEYS,
        }
    }
}

/// The connections of a scenario that does not say how many.
const CONNECTIONS: &[u32] = &[50];

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn expect(what: &'static str, published: &'static str, test: Test) -> Expectation {
    Expectation { what, published, test }
}

static BASELINE: Scenario = Scenario {
    name: "baseline",
    server: "engine.memory_limit=1GiB",
    connections: CONNECTIONS,
    keys: KeyCount::All(10_000),
    popularity: Popularity::Uniform,
    mix: Mix { reads: 60, deletes: 10 },
    value_bytes: 100,
    ttl: None,
    duration: Duration::from_mins(1),
    expectations: &[
        expect("SET p99", "< 5 ms", Test::P99Below(Kind::Write, millis(5))),
        expect("GET p99", "< 2 ms", Test::P99Below(Kind::Read, millis(2))),
        expect("operations/s", "> 50,000", Test::Faster(50_000)),
        expect("evictions", "0", Test::NothingEvicted),
    ],
};

static MEMORY_PRESSURE: Scenario = Scenario {
    name: "memory-pressure",
    server: "engine.memory_limit=50MB",
    connections: CONNECTIONS,
    keys: KeyCount::All(100_000),
    popularity: Popularity::Uniform,
    mix: Mix { reads: 50, deletes: 10 },
    value_bytes: 1024,
    ttl: None,
    duration: Duration::from_mins(2),
    expectations: &[
        expect("SET p99", "< 50 ms", Test::P99Below(Kind::Write, millis(50))),
        expect("GET p99", "< 10 ms", Test::P99Below(Kind::Read, millis(10))),
        expect("operations/s", "> 5,000", Test::Faster(5000)),
        expect("evictions", "> 1,000", Test::EvictedMoreThan(1000)),
        expect("memory", "never exceeds the limit", Test::WithinLimit),
    ],
};

static TTL: Scenario = Scenario {
    name: "ttl",
    server: "engine.memory_limit=500MB",
    connections: CONNECTIONS,
    keys: KeyCount::All(50_000),
    popularity: Popularity::Uniform,
    mix: Mix { reads: 60, deletes: 10 },
    value_bytes: 500,
    ttl: Some(Duration::from_secs(30)),
    duration: Duration::from_mins(2),
    expectations: &[
        expect("SET p99", "< 5 ms", Test::P99Below(Kind::Write, millis(5))),
        expect("GET p99", "< 2 ms", Test::P99Below(Kind::Read, millis(2))),
        expect("operations/s", "> 30,000", Test::Faster(30_000)),
        expect("expirations", "~900 keys", Test::Expired),
        expect("TTL overhead", "< 2 % of the time", Test::Told("run it without --ttl and compare")),
    ],
};

static SHARD_CONTENTION: Scenario = Scenario {
    name: "shard-contention",
    server: "engine.shards=16",
    connections: &[1, 2, 4, 8, 16],
    keys: KeyCount::PerConnection(10_000),
    popularity: Popularity::Uniform,
    mix: Mix { reads: 70, deletes: 10 },
    value_bytes: 100,
    ttl: None,
    duration: Duration::from_mins(1),
    expectations: &[
        expect("operations/s", "scale near-linearly with threads", Test::Scales),
        expect("tail latency", "< 10 ms", Test::TailBelow(millis(10))),
    ],
};

static HOT_KEYS: Scenario = Scenario {
    name: "hot-keys",
    server: "engine.memory_limit=50MB",
    connections: CONNECTIONS,
    keys: KeyCount::All(1000),
    // Of 1000 keys, the first 20 get 80 % of the requests.
    popularity: Popularity::Zipf { exponent: 1.4 },
    mix: Mix { reads: 80, deletes: 5 },
    value_bytes: 10 << 10,
    ttl: Some(Duration::from_mins(1)),
    duration: Duration::from_mins(2),
    expectations: &[
        expect("SET p99", "< 100 ms", Test::P99Below(Kind::Write, millis(100))),
        expect("GET p99", "< 20 ms", Test::P99Below(Kind::Read, millis(20))),
        expect("stability", "no crashes, no cascading failures", Test::NothingBreaks),
    ],
};

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::bench::keys::Chooser;

    #[test]
    fn a_scenario_has_the_name_that_is_typed() {
        for preset in Preset::value_variants() {
            let scenario = preset.scenario();
            assert_eq!(preset.to_possible_value().unwrap().get_name(), scenario.name);
            assert!(scenario.mix.reads + scenario.mix.deletes < 100, "{}", scenario.name);
        }
    }

    #[test]
    fn twenty_hot_keys_get_four_of_five_requests() {
        let chooser = Chooser::new(HOT_KEYS.keys.with(50), HOT_KEYS.popularity);
        let mut random = fastrand::Rng::with_seed(1);
        let hot = (0..100_000).filter(|_| chooser.choose(&mut random) < 20).count();
        assert!((79_000..81_000).contains(&hot), "{hot}");
    }

    #[test]
    fn keys_may_grow_with_the_connections() {
        assert_eq!(SHARD_CONTENTION.keys.with(16), 160_000);
        assert_eq!(BASELINE.keys.with(16), 10_000);
    }
}

//! The policies by name, and how to make one.

use std::fmt;
use std::str::FromStr;

use super::EvictionPolicy;
use super::fifo::InsertionOrder;
use super::lfu::Frequency;
use super::lru::Recency;
use super::none::NoEviction;
use super::random::Random;
use super::s3fifo::S3Fifo;
use super::sampled::Sampled;
use super::tinylfu::TinyLfu;
use super::ttl::SoonestExpiry;

/// The eviction policies that ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PolicyKind {
    /// Least recently used.
    #[default]
    Lru,
    /// Least frequently used, with ageing.
    Lfu,
    /// Queues that keep what is used more than once; scans pass by.
    S3Fifo,
    /// What is used more often than its rival, counting uses before it came.
    TinyLfu,
    /// First in, first out.
    Fifo,
    /// Any key.
    Random,
    /// The key that expires soonest; keys without expiry are never evicted.
    Ttl,
    /// None: writes that do not fit are refused.
    None,
}

impl PolicyKind {
    /// Every policy, in the order documentation lists them.
    pub const ALL: [Self; 8] = [
        Self::Lru,
        Self::Lfu,
        Self::S3Fifo,
        Self::TinyLfu,
        Self::Fifo,
        Self::Random,
        Self::Ttl,
        Self::None,
    ];

    /// The name configurations use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lru => "lru",
            Self::Lfu => "lfu",
            Self::S3Fifo => "s3fifo",
            Self::TinyLfu => "tinylfu",
            Self::Fifo => "fifo",
            Self::Random => "random",
            Self::Ttl => "ttl",
            Self::None => "none",
        }
    }

    /// Makes the policy of one shard. `seed` feeds its randomness.
    pub fn build(self, seed: u64) -> Box<dyn EvictionPolicy> {
        match self {
            Self::Lru => Box::new(Sampled::new(Recency::default())),
            Self::Lfu => Box::new(Sampled::new(Frequency::new(seed))),
            Self::S3Fifo => Box::new(S3Fifo::default()),
            Self::TinyLfu => Box::new(TinyLfu::default()),
            Self::Fifo => Box::new(Sampled::new(InsertionOrder::default())),
            Self::Random => Box::new(Random),
            Self::Ttl => Box::new(SoonestExpiry),
            Self::None => Box::new(NoEviction),
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is none of the policies'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown eviction policy {given:?}: allowed are lru, lfu, s3fifo, tinylfu, fifo, random, ttl, none"
)]
pub struct UnknownPolicy {
    /// The name given.
    pub given: String,
}

impl FromStr for PolicyKind {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownPolicy { given: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_and_others_are_refused_with_the_list() {
        for kind in PolicyKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let error = "LRU".parse::<PolicyKind>().unwrap_err().to_string();
        for kind in PolicyKind::ALL {
            assert!(error.contains(kind.name()), "{error} does not list {kind}");
        }
    }
}

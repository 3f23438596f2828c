//! What every [`EvictionPolicy`] must do, on a shard made of a plain map.

use std::collections::BTreeMap;

use crate::eviction::{Candidate, EvictionPolicy, Fingerprint, PolicyBits, Residents};
use crate::types::UnixMillis;

/// How often the engine asks for another victim.
const CHOICES_MAX: usize = 16;

/// What a policy may keep for a shard without keys.
const IDLE_BYTES_MAX: usize = 1024;

/// A shard as a policy sees it, without the rest of it.
#[derive(Debug)]
pub struct FakeShard {
    /// Every resident by fingerprint.
    pub residents: BTreeMap<u32, Candidate>,
    random: fastrand::Rng,
    hits: u64,
}

impl Default for FakeShard {
    fn default() -> Self {
        Self { residents: BTreeMap::new(), random: fastrand::Rng::with_seed(1), hits: 0 }
    }
}

impl FakeShard {
    /// Makes a key resident.
    pub fn insert(&mut self, policy: &mut dyn EvictionPolicy, key: u32, expiry: Option<u64>) {
        let fingerprint = Fingerprint(key);
        let bits = kept(policy.on_insert(fingerprint));
        let expiry = expiry.map(UnixMillis::new);
        self.residents.insert(key, Candidate { fingerprint, bits, expiry });
    }

    /// Uses a resident key.
    pub fn hit(&mut self, policy: &mut dyn EvictionPolicy, key: u32) {
        if let Some(resident) = self.residents.get_mut(&key) {
            resident.bits = kept(policy.on_hit(resident.fingerprint, resident.bits));
            self.hits += 1;
        }
    }

    /// Removes a resident key.
    pub fn remove(&mut self, policy: &mut dyn EvictionPolicy, key: u32) {
        if let Some(gone) = self.residents.remove(&key) {
            policy.on_remove(gone.fingerprint, gone.bits, self);
        }
    }

    /// Evicts the victim the policy names.
    pub fn evict(&mut self, policy: &mut dyn EvictionPolicy) -> Option<u32> {
        let victim = policy.victim(self)?.0;
        assert!(self.residents.contains_key(&victim), "victim {victim} is not resident");
        self.remove(policy, victim);
        Some(victim)
    }
}

impl Residents for FakeShard {
    fn len(&self) -> usize {
        self.residents.len()
    }

    fn sample(&mut self) -> Option<Candidate> {
        let index = self.random.usize(0..self.residents.len().max(1));
        self.residents.values().nth(index).copied()
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<Candidate> {
        self.residents.get(&fingerprint.0).copied()
    }

    fn set_bits(&mut self, fingerprint: Fingerprint, bits: PolicyBits) {
        if let Some(resident) = self.residents.get_mut(&fingerprint.0) {
            resident.bits = kept(bits);
        }
    }

    fn hits(&self) -> u64 {
        self.hits
    }

    fn soonest_expiry(&mut self) -> Option<Candidate> {
        let volatile = self.residents.values().filter(|resident| resident.expiry.is_some());
        volatile.min_by_key(|resident| resident.expiry).copied()
    }
}

/// What an entry keeps, which must be all.
fn kept(bits: PolicyBits) -> PolicyBits {
    assert!(bits.0 <= PolicyBits::MAX.0, "{bits:?} are more than an entry keeps");
    bits
}

/// Runs every check. `evicts` tells whether the policy names a victim whenever some key has an expiry.
pub fn test_all(make: impl Fn() -> Box<dyn EvictionPolicy>, evicts: bool) {
    an_empty_shard_has_no_victim(make().as_mut());
    victims_are_resident_and_end_with_the_shard(make().as_mut(), evicts);
    victims_survive_churn(make().as_mut(), evicts);
    memory_grows_only_as_announced(make().as_mut());
    memory_for_many_keys_is_announced(make().as_mut());
    memory_goes_back_with_the_keys(make().as_mut());
}

/// A victim that is in use and stays, as the engine tells by a hit, gives way to another key. The policies
/// that look at nothing but expiry do not pass.
pub fn test_sparing(policy: &mut dyn EvictionPolicy) {
    let mut shard = FakeShard::default();
    for key in 0..50 {
        shard.insert(policy, key, None);
    }
    for uses in 0..1000 {
        shard.hit(policy, uses % 50);
    }
    for _ in 0..20 {
        let spared = policy.victim(&mut shard).map(|key| key.0);
        let mut another = None;
        for _ in 0..CHOICES_MAX {
            shard.hit(policy, spared.unwrap_or_default());
            another = policy.victim(&mut shard).map(|key| key.0);
            if another != spared {
                break;
            }
        }
        assert_ne!(another, spared, "a key in use is named again and again");
    }
}

fn an_empty_shard_has_no_victim(policy: &mut dyn EvictionPolicy) {
    let mut shard = FakeShard::default();
    assert_eq!(shard.evict(policy), None);
    shard.insert(policy, 1, Some(9));
    shard.remove(policy, 1);
    assert_eq!(shard.evict(policy), None, "a key that was removed is no victim");
}

fn victims_are_resident_and_end_with_the_shard(policy: &mut dyn EvictionPolicy, evicts: bool) {
    let mut shard = FakeShard::default();
    for key in 0..100 {
        shard.insert(policy, key, Some(u64::from(key)));
    }
    let mut victims = 0;
    while shard.evict(policy).is_some() {
        victims += 1;
    }
    assert_eq!(victims, if evicts { 100 } else { 0 });
}

fn victims_survive_churn(policy: &mut dyn EvictionPolicy, evicts: bool) {
    let mut shard = FakeShard::default();
    let mut random = fastrand::Rng::with_seed(2);
    for step in 0..5000 {
        let key = random.u32(0..200);
        match random.u8(0..8) {
            0..=2 if !shard.residents.contains_key(&key) => {
                shard.insert(policy, key, Some(step));
            }
            0..=4 => shard.hit(policy, key),
            5 => shard.remove(policy, key),
            _ => {
                let populated = !shard.residents.is_empty();
                assert_eq!(shard.evict(policy).is_some(), evicts && populated, "step {step}");
            }
        }
    }
}

fn memory_grows_only_as_announced(policy: &mut dyn EvictionPolicy) {
    let mut shard = FakeShard::default();
    for key in 0..1000 {
        let allowed = policy.heap_bytes() + policy.bytes_to_grow(1);
        shard.insert(policy, key, Some(1));
        assert!(policy.heap_bytes() <= allowed, "insert {key} grew more than announced");
        let before = policy.heap_bytes();
        shard.hit(policy, key / 2);
        if key % 3 == 0 {
            shard.evict(policy);
        }
        assert!(policy.heap_bytes() <= before, "only inserts may grow the policy");
    }
}

fn memory_for_many_keys_is_announced(policy: &mut dyn EvictionPolicy) {
    let mut shard = FakeShard::default();
    let mut keys = 0;
    for more in [1, 2, 30, 500, 3000] {
        let allowed = policy.heap_bytes() + policy.bytes_to_grow(more);
        for _ in 0..more {
            shard.insert(policy, keys, Some(1));
            keys += 1;
        }
        assert!(policy.heap_bytes() <= allowed, "{more} keys grew more than announced");
        shard.evict(policy);
    }
}

fn memory_goes_back_with_the_keys(policy: &mut dyn EvictionPolicy) {
    let mut shard = FakeShard::default();
    for key in 0..3000 {
        shard.insert(policy, key, Some(1));
        if key % 100 == 0 {
            shard.evict(policy);
        }
    }
    for key in 0..3000 {
        shard.remove(policy, key);
    }
    let idle = policy.heap_bytes();
    assert!(idle <= IDLE_BYTES_MAX, "{idle} bytes are kept for no key");
}

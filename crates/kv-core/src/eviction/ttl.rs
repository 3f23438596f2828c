//! `ttl`: the key that would expire soonest goes first; keys without expiry stay.

use super::{EvictionPolicy, Fingerprint, Residents};

/// Evicts the volatile key with the nearest expiry, as the TTL index orders them.
#[derive(Debug)]
pub(super) struct SoonestExpiry;

impl EvictionPolicy for SoonestExpiry {
    fn victim(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        residents.soonest_expiry().map(|found| found.fingerprint)
    }
}

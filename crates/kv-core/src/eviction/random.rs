//! `random`: any key goes.

use super::{EvictionPolicy, Fingerprint, Residents};

/// Evicts a uniformly random key.
#[derive(Debug)]
pub(super) struct Random;

impl EvictionPolicy for Random {
    fn victim(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        residents.sample().map(|found| found.fingerprint)
    }
}

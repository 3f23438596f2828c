//! `none`: nothing goes; a write that does not fit is refused.

use super::{EvictionPolicy, Fingerprint, Residents};

/// Evicts nothing.
#[derive(Debug)]
pub(super) struct NoEviction;

impl EvictionPolicy for NoEviction {
    fn victim(&mut self, _residents: &mut dyn Residents) -> Option<Fingerprint> {
        None
    }
}

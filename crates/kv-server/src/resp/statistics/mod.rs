//! What `INFO` tells of the past: counted since the start, or since `CONFIG RESETSTAT`.
//!
//! * `commands` counts each command, `errors` each code of an error.
//! * `totals` is everything else, which is counted elsewhere and never begins anew there.
//! * `rates` tells how much of it there was in the latest second.

mod commands;
mod errors;
mod rates;
mod totals;

use std::sync::{Mutex, PoisonError};

pub(crate) use commands::CommandCounts;
pub(crate) use errors::ErrorCounts;
pub(crate) use rates::{Rates, Sample};
pub(crate) use totals::Totals;

use super::shared::Shared;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) commands: CommandCounts,
    pub(crate) errors: ErrorCounts,
    pub(crate) rates: Rates,
    /// What there was when it was last reset.
    reset: Mutex<Totals>,
}

impl Shared {
    /// What there was since the statistics were last reset.
    pub(crate) fn totals(&self) -> Totals {
        let reset = self.statistics.reset.lock().unwrap_or_else(PoisonError::into_inner);
        Totals::ever(self).since(&reset)
    }

    /// Begins to count anew.
    pub(crate) fn reset_statistics(&self) {
        let ever = Totals::ever(self);
        *self.statistics.reset.lock().unwrap_or_else(PoisonError::into_inner) = ever;
        self.statistics.commands.reset();
        self.statistics.errors.reset();
    }
}

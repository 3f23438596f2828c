//! How much is measured.

use kv_bench::Form;

/// Numbers of all sections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Keys in the store, and operations of a round.
    pub(crate) keys: u64,
    /// Keys whose memory is measured.
    pub(crate) memory_keys: u64,
    /// Keys in the store, in `gets`: many more than fit into any cache.
    pub(crate) get_keys: u64,
    /// Rounds of each, in `gets`.
    pub(crate) rounds: usize,
    /// Keys that are due at once, in `expiry`.
    pub(crate) due_keys: u64,
    /// Keys in the store, in `many-volatile`.
    pub(crate) volatile_keys: u64,
    /// How many of them are due within a second.
    pub(crate) many_due_keys: u64,
}

impl Scale {
    pub(crate) const fn of(form: Form) -> Self {
        match form {
            Form::Full => Self {
                keys: 1_000_000,
                memory_keys: 5_000_000,
                get_keys: 10_000_000,
                rounds: 7,
                due_keys: 200_000,
                volatile_keys: 10_000_000,
                many_due_keys: 1_000_000,
            },
            Form::Quick => Self {
                keys: 300_000,
                memory_keys: 1_000_000,
                get_keys: 1_000_000,
                rounds: 5,
                due_keys: 50_000,
                volatile_keys: 1_000_000,
                many_due_keys: 100_000,
            },
            Form::Smoke => Self {
                keys: 10_000,
                memory_keys: 10_000,
                get_keys: 10_000,
                rounds: 1,
                due_keys: 1_000,
                volatile_keys: 10_000,
                many_due_keys: 1_000,
            },
        }
    }
}

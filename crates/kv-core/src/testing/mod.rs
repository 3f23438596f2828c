//! Conformance suites for this crate's traits, and the fakes they and other crates' tests use.
//!
//! An implementation of [`Store`](crate::Store), [`Journal`](crate::Journal) or
//! [`EvictionPolicy`](crate::eviction::EvictionPolicy) calls its suite's `test_all` from a test. Each
//! check panics with what was expected.

#![expect(
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "panicking is how a test reports"
)]

pub mod eviction_suite;
pub mod journal_suite;
mod manual_clock;
mod manual_journal;
mod memory_journal;
mod model;
pub mod store_suite;

pub use manual_clock::ManualClock;
pub use manual_journal::ManualJournal;
pub use memory_journal::{MemoryJournal, OwnedChange, OwnedEffect};
pub use model::{Expected, ModelStore};

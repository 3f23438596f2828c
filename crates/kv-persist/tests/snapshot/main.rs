//! Snapshots and the manifest: what is written comes back whole, or is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

mod cycle;
mod damage;
mod faults;
mod golden;
mod harness;
mod restore;
mod roundtrip;
mod thread;
mod throttle;

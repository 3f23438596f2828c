//! The operator's tools: a check agrees with recovery, a repair ends in a state that once was, and a dump
//! shows what was written.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test panics"
)]

mod agreement;
mod crash;
mod dump;
mod loss;
mod report;
mod scene;

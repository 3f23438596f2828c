//! The load generator behind `kv-cli bench`.
//!
//! * `plan` is everything that is known of a run before it begins; `preset` are plans with a name, and
//!   `expectation` what is expected of them.
//! * `load`, `keys` and `zipf` say what is asked of the server; all of it follows from a seed.
//! * `schedule` and `pace` say when, as pure functions of the clock; `pacer` wakes up who is waiting.
//! * `driver` speaks the protocols, a file for each.
//! * `run` starts a `worker` for each thread, which drives each `connection`; `control` is what they share.
//! * `latency` and `tally` count, `report` tells, `live` is the line at the terminal meanwhile.

mod connection;
mod control;
mod driver;
mod expectation;
mod keys;
mod latency;
mod live;
mod load;
mod pace;
mod pacer;
mod plan;
mod preset;
mod report;
mod run;
mod schedule;
mod server;
mod tally;
mod target;
mod worker;
mod zipf;

pub(crate) use keys::Popularity;
pub(crate) use load::{Load, Mix};
pub(crate) use plan::{Plan, Protocol};
pub(crate) use preset::{KeyCount, Preset, WARMUP};
pub(crate) use report::Report;
pub(crate) use run::{Outcome, run};
pub(crate) use server::{Change, look};
pub(crate) use target::resolve;

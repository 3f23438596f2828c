//! The parts of the program: what joins the library with the engine and with what keeps it.
//!
//! * `run` starts everything in order, and stops it in the other.
//! * `descriptors` allows as many open files as there may be.
//! * `durable` is the store that is kept on disk: opened, recovered, snapshotted, stopped.
//! * `loading` shows how far a recovery is.
//! * `tools` are the commands that do something else than serve.

mod descriptors;
mod durable;
mod loading;
mod run;
mod tools;

pub(crate) use run::{check, run};
pub(crate) use tools::run as run_tool;

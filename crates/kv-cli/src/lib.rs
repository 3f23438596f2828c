//! The command line of kv, as a library that its binary and its tests share.
//!
//! * `args` and `cmd` say what can be typed: one file per verb.
//! * `input` turns arguments into bytes, `screen` and its helpers turn answers into text.
//! * `bench` is the load generator.
//! * `transfer` moves files in and out: formats, batches in flight, progress, reports.
//! * `exit` and `failure` say how it ends. Nothing here prints or exits behind the caller's back.

#![forbid(unsafe_code)]

mod args;
mod bench;
mod cmd;
mod escape;
mod exit;
mod failure;
mod hex;
mod input;
mod limits;
mod run;
mod screen;
mod spinner;
mod stopwatch;
mod table;
mod text;
mod transfer;

pub use args::Cli;
pub use exit::Exit;
pub use run::run;

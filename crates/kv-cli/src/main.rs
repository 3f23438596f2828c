//! The `kv-cli` binary: reads the arguments, runs the verb, ends with its exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// So that `bench` leaves more of the processor to the server that it measures: see ADR-0008.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A mistake in the arguments ends inside `parse`, with exit code 2.
fn main() -> ExitCode {
    kv_cli::run(kv_cli::Cli::parse()).into()
}

//! `cargo xtask`: the project's own build commands. This file owns the command line; each verb has
//! a file or folder of its own.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "reporting to a terminal is what this program is for"
)]

mod bench;
mod ci;
mod clients;
mod codegen;
mod crash;
mod diff;
mod finding;
mod fix;
mod fuzz;
mod layers;
mod repository;
mod shell;
mod tidy;
mod timed;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own build commands.
///
/// New here? `cargo xtask ci` tells whether a change may land, exactly as CI does; `cargo xtask
/// fix` mends what a machine can mend. `crash`, `diff`, `fuzz` and `bench` take as long as one lets them; the
/// other verbs are parts of the first two.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check everything and change nothing; what passes here passes in CI
    Ci(ci::Options),
    /// Mend what a machine can mend: generated code, lints with a known cure, formatting
    Fix,
    /// Compare the dependencies between crates with the edge table in docs/architecture.md
    Layers,
    /// Check the habits that no compiler knows: file headers, lengths, manifests, decision records
    Tidy,
    /// Regenerate the committed protobuf code from proto/
    Codegen {
        /// Change nothing; fail when the committed code is stale
        #[arg(long)]
        check: bool,
    },
    /// Kill the real server under load, again and again, and check what survives
    Crash(crash::Options),
    /// Use the real server with other people's clients, and check every answer
    Clients(clients::Options),
    /// Ask Redis and the server the same, and compare what they answer
    Diff(diff::Options),
    /// Feed random bytes to the readers of files and requests
    Fuzz(fuzz::Options),
    /// Measure; the figures go into docs/benchmarks.md
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse().verb) else {
        return ExitCode::SUCCESS;
    };
    // Not anyhow's own report: its backtrace leads into this program, and the mistake is elsewhere.
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    ExitCode::FAILURE
}

fn run(verb: Verb) -> Result<()> {
    let root = repository::root()?;
    match verb {
        Verb::Ci(options) => ci::run(&root, &options),
        Verb::Fix => fix::run(&root),
        Verb::Layers => layers::check(&root),
        Verb::Tidy => tidy::check(&root),
        Verb::Codegen { check: true } => codegen::check(&root),
        Verb::Codegen { check: false } => codegen::write(&root),
        Verb::Crash(options) => crash::run(&root, &options),
        Verb::Clients(options) => clients::run(&root, &options),
        Verb::Diff(options) => diff::run(&root, &options),
        Verb::Fuzz(options) => fuzz::run(&root, &options),
        Verb::Bench(options) => bench::run(&root, &options),
    }
}

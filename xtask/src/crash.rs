//! `cargo xtask crash`: kills the real server under load, more often than `ci` does.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use anyhow::{Context, Result};

use crate::shell;

/// How often the server is killed when nothing else is asked for.
const ROUNDS: u64 = 200;

/// Kills the server as often as a deep check does.
pub(crate) fn check(root: &Path) -> Result<()> {
    run(root, &Options { rounds: ROUNDS, seed: None })
}

/// What `cargo xtask crash` accepts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How often to kill the server
    #[arg(long, value_name = "N", default_value_t = ROUNDS)]
    rounds: u64,
    /// Where all random choices start; a new one each time when left out
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

/// Runs the crash test of kv-server, and says how to replay it when it fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    shell::run(root, &command(options.rounds, seed)).with_context(|| advice(options.rounds, seed))
}

fn command(rounds: u64, seed: u64) -> String {
    format!(
        "KV_CRASH_ROUNDS={rounds} KV_CRASH_SEED={seed} cargo test --release --locked \
         -p kv-server --test server crash:: -- --nocapture"
    )
}

/// The seed fixes what the clients do and when the server is killed; threads still race.
fn advice(rounds: u64, seed: u64) -> String {
    format!(
        "the crash test failed\n  to replay it: cargo xtask crash --rounds {rounds} --seed {seed}\n  \
         the random choices are the same then, the scheduling of threads is not: try several times"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_how_to_replay_it() {
        assert!(command(7, 9).starts_with("KV_CRASH_ROUNDS=7 KV_CRASH_SEED=9 cargo test "));
        assert!(advice(7, 9).contains("cargo xtask crash --rounds 7 --seed 9"));
    }
}

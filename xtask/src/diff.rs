//! `cargo xtask diff`: asks Redis and the server the same, for as long as one likes.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::shell;

/// Commands that `ci` compares: seconds.
const CI_OPS: u64 = 50_000;

/// Commands that are compared when nothing else is asked for.
const LONG_OPS: u64 = 1_000_000;

/// How to get what the server is compared with.
const ADVICE: &str =
    "redis-server is not on PATH: install version 7.0 (Debian 12: `apt-get install redis-server`)";

/// What `cargo xtask diff` accepts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many commands to compare
    #[arg(long, value_name = "N", default_value_t = LONG_OPS)]
    ops: u64,
    /// Where all random choices start; a new one each time when left out
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

/// Compares as many commands as asked for; the test tells the first that is answered differently.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    anyhow::ensure!(is_installed(), "{ADVICE}");
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    shell::run(root, &command(options.ops, seed))
        .with_context(|| format!("the answers differ, or the server failed; the seed was {seed}"))
}

/// The short form, for `ci`: skipped, and said so, where there is nothing to compare with.
pub(crate) fn check(root: &Path) -> Result<()> {
    check_some(root, CI_OPS)
}

/// The long form, for `ci --deep`.
pub(crate) fn check_long(root: &Path) -> Result<()> {
    check_some(root, LONG_OPS)
}

fn check_some(root: &Path, ops: u64) -> Result<()> {
    if !is_installed() {
        println!("SKIPPED: {ADVICE}");
        return Ok(());
    }
    run(root, &Options { ops, seed: None })
}

/// With the features that `ci` builds everything with: nothing is built anew.
fn command(ops: u64, seed: u64) -> String {
    format!(
        "KV_DIFF_OPS={ops} KV_DIFF_SEED={seed} cargo test --workspace --all-features --locked \
         --test server diff::redis_and_the_server_answer_alike -- --exact --nocapture"
    )
}

fn is_installed() -> bool {
    let mut command = Command::new("redis-server");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_is_told_how_many_commands_and_which_seed() {
        assert!(command(7, 9).starts_with("KV_DIFF_OPS=7 KV_DIFF_SEED=9 cargo test "));
        let test = "../crates/kv-server/tests/server/diff/mod.rs";
        let source = std::fs::read_to_string(test).unwrap();
        assert!(source.contains("fn redis_and_the_server_answer_alike()"), "{test} has the test");
    }
}

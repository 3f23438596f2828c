//! The steps of `ci`, in order: cheap ones first, so that most mistakes are told within seconds.
//!
//! Every cargo command that compiles carries the same `--workspace --all-features --locked`. With
//! other features cargo would build the dependencies once more, and on two cores that is most of
//! the time that `ci` takes.

use std::path::Path;

use anyhow::Result;

use crate::{clients, codegen, crash, diff, fuzz, layers, shell, tidy};

/// One thing that `ci` makes sure of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// What `--only` takes.
    pub(super) name: &'static str,
    /// What holds when the step has passed.
    pub(super) claim: &'static str,
    /// The command that runs the step, as one would type it.
    pub(super) command: &'static str,
    /// The function behind `command`, where that is a verb of this program.
    pub(super) check: Option<fn(&Path) -> Result<()>>,
}

impl Step {
    const fn command(name: &'static str, claim: &'static str, command: &'static str) -> Self {
        Self { name, claim, command, check: None }
    }

    const fn verb(
        name: &'static str,
        claim: &'static str,
        command: &'static str,
        check: fn(&Path) -> Result<()>,
    ) -> Self {
        Self { name, claim, command, check: Some(check) }
    }

    pub(super) fn run(&self, root: &Path) -> Result<()> {
        match self.check {
            Some(check) => check(root),
            None => shell::run(root, self.command),
        }
    }
}

pub(super) const STEPS: [Step; 14] = [
    Step::command("fmt", "the code is formatted", "cargo fmt --all --check"),
    Step::verb(
        "layers",
        "the crates depend on each other as the architecture allows",
        "cargo xtask layers",
        layers::check,
    ),
    Step::verb("tidy", "the habits of this repository are kept", "cargo xtask tidy", tidy::check),
    Step::verb(
        "codegen",
        "the committed protobuf code is what proto/ says",
        "cargo xtask codegen --check",
        codegen::check,
    ),
    Step::command(
        "clippy",
        "nothing warns",
        "cargo clippy --workspace --all-targets --all-features --locked -- -D warnings",
    ),
    // Tests start the programs of other crates. With `--tests` the programs are built with the very
    // features that the tests have, so nothing below builds them a second time.
    Step::command(
        "build",
        "programs, examples and tests build",
        "cargo build --workspace --bins --examples --tests --all-features --locked",
    ),
    Step::command(
        "test",
        "the tests pass",
        "cargo nextest run --workspace --all-features --locked",
    ),
    // The tests compare a little too; this compares more, and says so where there is no Redis.
    Step::verb(
        "diff",
        "Redis and the server answer alike",
        "cargo xtask diff --ops 50000",
        diff::check,
    ),
    // What the registries do not give, or the machine does not have, is skipped, and said so.
    Step::verb(
        "clients",
        "other people's clients are served",
        "cargo xtask clients --quick",
        clients::check,
    ),
    // In the profile of the tests: nothing is built anew, and the figures mean nothing anyway.
    Step::command(
        "bench",
        "the benchmark of the server runs",
        "cargo test --workspace --all-features --locked --bench server -- --smoke",
    ),
    // A workspace of its own. Without libFuzzer it needs neither a nightly nor a C++ compiler.
    Step::command(
        "fuzz",
        "the fuzz targets compile",
        "cargo check --manifest-path fuzz/Cargo.toml --no-default-features --target-dir target/fuzz --locked",
    ),
    Step::command(
        "doctest",
        "the examples in the documentation run",
        "cargo test --doc --workspace --all-features --locked",
    ),
    Step::command(
        "doc",
        "the documentation builds and its links lead somewhere",
        "RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --document-private-items --all-features --locked",
    ),
    // Not `advisories`: they change from day to day, and come from elsewhere than the registry.
    Step::command(
        "deny",
        "licences and sources of the dependencies are allowed",
        "cargo deny --locked check licenses bans sources",
    ),
];

/// What takes too long for each change: `ci --deep` does it after all the others.
///
/// `RUSTC_BOOTSTRAP` has the compiler of the workspace take the unstable option of the sanitizer, so that no nightly
/// is needed. The thread sanitizer takes every `Arc` and channel for a race unless the standard library is built for it
/// too, from its source. Hit ratios need no sanitizer, and hours with one.
pub(super) const DEEP_STEPS: [Step; 8] = [
    Step::command(
        "asan",
        "the engine and the log use no memory that is not theirs",
        "RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
         cargo nextest run -p kv-core -p kv-resp -p kv-persist --all-features --locked \
         -E !binary(hit_ratio) --target x86_64-unknown-linux-gnu --target-dir target/asan",
    ),
    Step::command(
        "rust-src",
        "the source of the standard library is there",
        "rustup component add rust-src",
    ),
    Step::command(
        "tsan",
        "no two threads of the engine and the log meet at memory without a lock or an order",
        "RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread \
         cargo nextest run -p kv-core -p kv-persist --all-features --locked -Zbuild-std \
         -E !binary(hit_ratio) --target x86_64-unknown-linux-gnu --target-dir target/tsan",
    ),
    // Only its own tests: the others would have to be run by loom too.
    Step::command(
        "loom",
        "what threads agree on without a lock holds under every order",
        "RUSTFLAGS=--cfg=kv_loom cargo nextest run -p kv-core -p kv-persist --lib --release --locked \
         -E test(_loom_tests::) --target-dir target/loom",
    ),
    Step::verb(
        "crashes",
        "a server that is killed loses nothing that it acknowledged",
        "cargo xtask crash",
        crash::check,
    ),
    Step::verb("fuzzing", "random bytes do no harm", "cargo xtask fuzz", fuzz::check),
    Step::verb(
        "diff-long",
        "Redis and the server answer alike for long",
        "cargo xtask diff",
        diff::check_long,
    ),
    Step::verb(
        "clients-long",
        "other people's clients are served in all they ask for",
        "cargo xtask clients",
        clients::check_long,
    ),
];

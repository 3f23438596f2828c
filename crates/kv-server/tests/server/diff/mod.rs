//! The same commands to Redis and to the server: whatever is not listed as a difference is answered alike.
//!
//! `KV_DIFF_OPS` sets the number of commands, `KV_DIFF_SEED` replays a run: `cargo xtask diff` does both.

mod answer;
mod connection;
mod differences;
mod generate;
mod peer;
mod report;
mod run;
mod shrink;
mod side;
mod step;
mod tester;

use std::fmt;

use peer::Peer;
use report::Report;
use run::Pair;

/// Commands when the environment does not say.
const OPS: u64 = 20_000;

/// Commands between two fresh starts with an empty store.
const SESSION_OPS: usize = 300;

/// A run ends when so many commands are answered differently.
const REPORTS_MAX: usize = 10;

/// What to say, and pass, where there is nothing to compare with.
const SKIPPED: &str =
    "SKIPPED: redis-server is not installed (Debian and Ubuntu: apt-get install redis-server)";

#[test]
fn redis_and_the_server_answer_alike() {
    let Some(redis) = Peer::redis() else {
        println!("{SKIPPED}");
        return;
    };
    let seed = from_environment("KV_DIFF_SEED").unwrap_or_else(|| fastrand::u64(..));
    let ops = from_environment("KV_DIFF_OPS").unwrap_or(OPS);
    println!("KV_DIFF_SEED={seed} KV_DIFF_OPS={ops}");
    let outcome = compare(&Pair::new(redis, Peer::kv()), seed, ops);
    println!("{outcome}");
    assert!(outcome.reports.is_empty(), "the servers answer differently");
}

/// What a comparison has found.
#[derive(Debug)]
struct Outcome {
    commands: u64,
    sessions: u64,
    justified: u64,
    /// One per command that is answered differently.
    reports: Vec<Report>,
}

/// Compares `ops` commands; what is answered differently is shown in as few of them as it takes.
fn compare(pair: &Pair, seed: u64, ops: u64) -> Outcome {
    let mut outcome = Outcome { commands: 0, sessions: 0, justified: 0, reports: Vec::new() };
    while outcome.commands < ops && outcome.reports.len() < REPORTS_MAX {
        // The first session of a run with its own seed: that replays it alone.
        let seed = seed.wrapping_add(outcome.sessions);
        let steps = generate::session(seed, SESSION_OPS);
        let ending = pair.run(&steps);
        outcome.sessions += 1;
        outcome.commands += ending.commands;
        outcome.justified += ending.justified;
        if let Some(mismatch) = ending.mismatch
            && !outcome.reports.iter().any(|report| report.is_about(&mismatch))
        {
            outcome.reports.push(shrink::shrink(pair, steps, mismatch, seed));
        }
    }
    outcome
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.reports {
            writeln!(formatter, "{report}")?;
        }
        let Self { commands, sessions, justified, reports } = self;
        let found = reports.len();
        write!(
            formatter,
            "{commands} commands in {sessions} sessions: {found} answered differently, {justified} answers \
             differ for a listed reason"
        )
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

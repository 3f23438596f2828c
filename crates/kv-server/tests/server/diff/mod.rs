//! The same commands to Redis and to the server: whatever is not listed as a difference is answered alike.
//!
//! `KV_DIFF_OPS` sets the number of commands, `KV_DIFF_SEED` replays a run: `cargo xtask diff` does both.

mod compare;
mod connection;
mod differences;
mod generate;
mod peer;
mod report;
mod run;
mod shrink;
mod step;
mod tester;

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
    let totals = run(&mut Pair::new(redis, Peer::kv()), seed, ops)
        .unwrap_or_else(|report| panic!("{report}"));
    println!("{totals}");
}

/// Compares `ops` commands, or tells what is answered differently, each in as few commands as it takes.
fn run(pair: &mut Pair, seed: u64, ops: u64) -> Result<String, String> {
    let (mut done, mut sessions) = (0, 0);
    let mut reports: Vec<Report> = Vec::new();
    while done < ops && reports.len() < REPORTS_MAX {
        // The first session of a run with its own seed: that replays it alone.
        let seed = seed.wrapping_add(sessions);
        let steps = generate::session(seed, SESSION_OPS);
        let ending = pair.run(&steps);
        done += ending.commands;
        sessions += 1;
        if let Some(mismatch) = ending.mismatch
            && !reports.iter().any(|report| report.is_about(&mismatch))
        {
            reports.push(shrink::shrink(pair, steps, mismatch, seed));
        }
    }
    if reports.is_empty() {
        let justified = pair.justified();
        return Ok(format!(
            "{done} commands in {sessions} sessions, {justified} justified differences"
        ));
    }
    Err(reports.iter().map(Report::to_string).collect::<Vec<_>>().join("\n"))
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

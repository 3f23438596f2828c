//! What durability and protocols cost, through the real server and beside Redis: `cargo xtask bench persist`
//! and `cargo xtask bench protocols`.
//!
//! Every section measures this server and its peer in turns, on the same machine and the same disk, with
//! the load generator beside them. Prints Markdown tables: medians, and the range of all rounds behind them.
//! `--quick` runs everything with small numbers, to see that it works; its figures mean nothing.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program that prints figures, and stops when anything is wrong"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are for people"
)]

mod child;
mod durability;
mod latency;
mod ours;
mod protocols;
mod redis;
mod redis_benchmark;
mod report;
mod resp;
mod scale;
mod side;
mod time;

use std::process::ExitCode;

use tokio::runtime::Runtime;

use durability::{always, interval, restart, size, snapshot};
use protocols::{http, idle, large, metrics};
use redis::RedisProgram;
use scale::Scale;

/// What every section needs.
struct Bench {
    scale: Scale,
    runtime: Runtime,
    /// Absent where Redis is not installed; sections then measure this server alone.
    redis: Option<RedisProgram>,
}

type Section = (&'static str, fn(&Bench));

const SECTIONS: [Section; 10] = [
    ("always", always::run),
    ("interval", interval::run),
    ("restart", restart::run),
    ("snapshot", snapshot::run),
    ("size", size::run),
    ("resp", protocols::resp::run),
    ("http", http::run),
    ("metrics", metrics::run),
    ("idle", idle::run),
    ("large", large::run),
];

fn main() -> ExitCode {
    // Cargo adds `--bench` when it runs benchmarks.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let quick = words.iter().any(|word| word == "--quick");
    let names: Vec<&String> = words.iter().filter(|word| *word != "--quick").collect();
    let known = SECTIONS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        println!("there is no section `{unknown}`: choose among {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    let bench = Bench {
        scale: if quick { Scale::QUICK } else { Scale::FULL },
        runtime: Runtime::new().unwrap(),
        redis: RedisProgram::find(),
    };
    report::header(&words, quick, bench.redis.as_ref());
    for (name, run) in SECTIONS {
        if names.is_empty() || names.iter().any(|each| *each == name) {
            println!("\n## {name}\n");
            run(&bench);
        }
    }
    ExitCode::SUCCESS
}

//! What durability and protocols cost, through the real server and beside Redis: `cargo xtask bench persist`
//! and `cargo xtask bench protocols`.
//!
//! Every section measures this server and its peer in turns, on the same machine and the same disk, with
//! the load generator beside them. Prints Markdown tables: medians, and the range of all rounds behind them.
//! `--quick` takes short rounds, whose ratios can be compared; `--smoke` runs everything with small numbers, to
//! see that it works. `--json FILE` appends every row to a file as well: `kv_bench` has the format.

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

mod calls;
mod child;
mod contender;
mod durability;
mod latency;
mod load;
mod memcached;
mod memory;
mod ours;
mod protocols;
mod redis;
mod redis_benchmark;
mod report;
mod resp;
mod scale;
mod side;
mod time;
mod turnover;

use std::process::ExitCode;

use kv_bench::{Arguments, Form, Measured, Origin, Recorder};
use tokio::runtime::Runtime;

use durability::{always, interval, restart, size, snapshot};
use memcached::MemcachedProgram;
use protocols::{grpc, http, idle, large, metrics, peers, tails};
use redis::RedisProgram;
use scale::Scale;

/// The load generators share the machine with what they measure: what they spend on memory is lost to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What every section needs.
struct Bench {
    scale: Scale,
    runtime: Runtime,
    /// Absent where Redis is not installed; sections then measure this server alone.
    redis: Option<RedisProgram>,
    /// Others, that some sections measure as well where they are installed.
    valkey: Option<RedisProgram>,
    memcached: Option<MemcachedProgram>,
    recorder: Recorder,
}

impl Bench {
    /// Takes a row for those who read files.
    fn record(&self, row: Measured) {
        self.recorder.row(row).expect("the file with rows can be written");
    }

    /// Says that something cannot be measured here.
    fn skip(&self, section: &str, reason: &str) {
        println!("SKIPPED: {reason}");
        self.recorder.skipped(section, reason).expect("the file with rows can be written");
    }
}

type Section = (&'static str, fn(&Bench));

const SECTIONS: [Section; 16] = [
    ("always", always::run),
    ("interval", interval::run),
    ("restart", restart::run),
    ("snapshot", snapshot::run),
    ("size", size::run),
    ("resp", protocols::resp::run),
    ("http", http::run),
    ("grpc", grpc::run),
    ("metrics", metrics::run),
    ("idle", idle::run),
    ("large", large::run),
    ("tails", tails::run),
    ("latency", protocols::latency::run),
    ("peers", peers::run),
    ("memory", memory::run),
    ("turnover", turnover::run),
];

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => run(&arguments),
        Err(error) => refuse(&error.to_string()),
    }
}

fn refuse(why: &str) -> ExitCode {
    println!("{why}");
    ExitCode::FAILURE
}

fn run(arguments: &Arguments) -> ExitCode {
    let names = &arguments.words;
    let known = SECTIONS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let known = known.join(", ");
        return refuse(&format!("there is no section `{unknown}`: choose among {known}"));
    }
    let (redis, valkey) = (RedisProgram::redis(), RedisProgram::valkey());
    let memcached = MemcachedProgram::find();
    let version = |program: &Option<RedisProgram>| program.as_ref().map(|it| it.version.clone());
    let origin = Origin::here("cargo bench -p kv-server --bench server", arguments)
        .with_version("redis-server", version(&redis).as_deref())
        .with_version("valkey-server", version(&valkey).as_deref())
        .with_version("memcached", memcached.as_ref().map(|it| it.version.as_str()));
    report::header(&origin);
    let recorder = match Recorder::open(origin, arguments.json.as_deref()) {
        Ok(recorder) => recorder,
        Err(error) => return refuse(&format!("the file for rows cannot be opened: {error}")),
    };
    let scale = match arguments.form {
        Form::Full => Scale::FULL,
        Form::Quick => Scale::QUICK,
        Form::Smoke => Scale::SMOKE,
    };
    let runtime = Runtime::new().unwrap();
    let bench = Bench { scale, runtime, redis, valkey, memcached, recorder };
    for (name, run) in SECTIONS {
        if names.is_empty() || names.iter().any(|each| each == name) {
            println!("\n## {name}\n");
            run(&bench);
        }
    }
    ExitCode::SUCCESS
}

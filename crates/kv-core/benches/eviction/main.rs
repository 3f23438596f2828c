//! How often policies hit, through the whole store: `cargo xtask bench eviction [SECTION|FILE]... [--quick]`.
//!
//! Sections: `zipf`, `scans`, `loops`, `shifts` and `recent` replay loads that are made, `cost` measures
//! what a hit and a miss take. A file with requests in libCacheSim's CSV format (`.csv`) or in the format of the
//! ARC traces (`.arc`, `.lis`) is replayed with room for a thousandth, a hundredth and a tenth of its keys. Prints Markdown
//! tables: percent of requests that hit, beside exact LRU and the optimum. They do not depend on the machine.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a program that prints figures, and stops when anything is wrong"
)]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

mod cache;
mod load;
mod reference;
mod trace;

use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use cache::Cache;
use kv_core::eviction::PolicyKind;
use mimalloc::MiMalloc;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Those that evict keys without expiry.
const POLICIES: [PolicyKind; 6] = [
    PolicyKind::Lru,
    PolicyKind::Lfu,
    PolicyKind::S3Fifo,
    PolicyKind::TinyLfu,
    PolicyKind::Fifo,
    PolicyKind::Random,
];

const REQUESTS: u32 = 2_000_000;
const REQUESTS_QUICK: u32 = 20_000;

/// Parts of a trace's keys that there is room for: one in so many.
const TRACE_PARTS: [usize; 3] = [1000, 100, 10];

/// Keys that there is room for at least: a store cannot be made for one.
const CACHED_MIN: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let requests = if quick { REQUESTS_QUICK } else { REQUESTS };
    println!("Seed {}, {requests} requests of each load.\n", load::SEED);
    for section in arguments.iter().filter(|argument| *argument != "--quick") {
        if let Err(error) = run(section, requests) {
            eprintln!("error: {section}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(section: &str, requests: u32) -> Result<(), trace::TraceError> {
    match section {
        "zipf" => zipf(requests),
        "scans" => {
            print_table(&[("Zipf 1.0 and scans of 3000", load::scans(requests), vec![100, 1000])]);
        }
        "loops" => {
            print_table(&[("2000 keys in a circle", load::loops(2000, requests), vec![500, 1000])]);
        }
        "shifts" => print_table(&[
            ("others popular every 100 k", load::shifts(100_000, requests), vec![100, 1000]),
            ("others popular every 10 k", load::shifts(10_000, requests), vec![100, 1000]),
        ]),
        "recent" => {
            print_table(&[("recent keys only", load::recent(requests), vec![100, 1000])]);
        }
        "cost" => cost(requests),
        file => replay(Path::new(file))?,
    }
    Ok(())
}

fn zipf(requests: u32) {
    print_table(&[
        ("Zipf 0.9, 10 k keys", load::zipf(10_000, 0.9, requests), vec![100, 1000]),
        ("Zipf 1.0, 10 k keys", load::zipf(10_000, 1.0, requests), vec![100, 1000]),
        ("Zipf 1.1, 10 k keys", load::zipf(10_000, 1.1, requests), vec![100, 1000]),
        ("Zipf 1.0, 1 M keys", load::zipf(1_000_000, 1.0, requests), vec![10_000]),
    ]);
}

fn replay(path: &Path) -> Result<(), trace::TraceError> {
    let keys = trace::read(path)?;
    let different = keys.iter().collect::<HashSet<_>>().len();
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let title = format!("{name}: {} requests, {different} keys", keys.len());
    let cached = TRACE_PARTS.map(|part| (different / part).max(CACHED_MIN)).to_vec();
    print_table(&[(&title, keys, cached)]);
    Ok(())
}

/// A line for each load and each number of keys that there is room for.
fn print_table(loads: &[(&str, Vec<u32>, Vec<usize>)]) {
    let names: Vec<String> = POLICIES.iter().map(|policy| format!("`{policy}`")).collect();
    println!("| Load | keys cached | optimal | exact LRU | {} |", names.join(" | "));
    println!("|{}", "---|".repeat(4 + POLICIES.len()));
    for (name, keys, sizes) in loads {
        for cached in sizes {
            let percent = |hits: usize| format!("{:.2}", hits as f64 * 100.0 / keys.len() as f64);
            let mut cells = vec![
                percent(reference::optimal_hits(keys, *cached)),
                percent(reference::exact_lru_hits(keys, *cached)),
            ];
            cells.extend(POLICIES.map(|policy| percent(Cache::new(policy, *cached).hits(keys))));
            println!("| {name} | {cached} | {} |", cells.join(" | "));
        }
    }
    println!();
}

/// What a hit takes, and a miss with the write and the eviction that follow. Rough: other work on the machine
/// counts.
fn cost(requests: u32) {
    const CACHED: u32 = 10_000;
    const ROUNDS: usize = 5;
    println!("| Policy | ns per hit | ns per miss, write and eviction |");
    println!("|---|---|---|");
    for policy in POLICIES {
        let (mut hits, mut misses) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let cache = Cache::new(policy, CACHED as usize);
            (0..CACHED / 2).for_each(|key| cache.set(key));
            hits.push(nanoseconds(requests, |at| {
                black_box(cache.get(at % (CACHED / 2)));
            }));
            misses.push(nanoseconds(requests, |at| cache.set(CACHED + at)));
        }
        println!("| `{policy}` | {:.0} | {:.0} |", least(&hits), least(&misses));
    }
    println!();
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn nanoseconds(times: u32, mut work: impl FnMut(u32)) -> f64 {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

/// What is disturbed takes longer, never less.
fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

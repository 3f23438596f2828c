//! How often policies hit, through the whole store: `cargo xtask bench eviction [SECTION|FILE]...`.
//!
//! Sections: `zipf`, `scans`, `loops`, `shifts` and `recent` replay loads that are made, `cost` measures
//! what a hit and a miss take. A file with requests in libCacheSim's CSV format (`.csv`) or in the format of the
//! ARC traces (`.arc`, `.lis`) is replayed with room for a thousandth, a hundredth and a tenth of its keys. Prints Markdown
//! tables: percent of requests that hit, beside exact LRU and the optimum. They do not depend on the machine.
//! `--quick` and `--smoke` replay fewer requests; `--json FILE` appends every figure there.

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
use kv_bench::{Arguments, Compare, Figure, Form, Measured, Origin, Recorder};
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

/// Of each load that is made.
const fn requests(form: Form) -> u32 {
    match form {
        Form::Full => 2_000_000,
        Form::Quick => 200_000,
        Form::Smoke => 20_000,
    }
}

/// Parts of a trace's keys that there is room for: one in so many.
const TRACE_PARTS: [usize; 3] = [1000, 100, 10];

/// Keys that there is room for at least: a store cannot be made for one.
const CACHED_MIN: usize = 10;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error.to_string()),
    };
    let origin = Origin::here("cargo bench -p kv-core --bench eviction", &arguments);
    let recorder = match Recorder::open(origin, arguments.json.as_deref()) {
        Ok(recorder) => recorder,
        Err(error) => return refuse(&format!("the file for rows cannot be opened: {error}")),
    };
    let bench = Bench { requests: requests(arguments.form), recorder };
    println!("Seed {}, {} requests of each load.\n", load::SEED, bench.requests);
    for section in &arguments.words {
        if let Err(error) = bench.run(section) {
            return refuse(&format!("{section}: {error}"));
        }
    }
    ExitCode::SUCCESS
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::FAILURE
}

/// What every section needs.
struct Bench {
    requests: u32,
    recorder: Recorder,
}

impl Bench {
    fn run(&self, section: &str) -> Result<(), trace::TraceError> {
        let requests = self.requests;
        let title = format!("eviction-{section}");
        match section {
            "zipf" => self.zipf(&title),
            "scans" => {
                let load = ("Zipf 1.0 and scans of 3000", load::scans(requests), vec![100, 1000]);
                self.print_table(&title, &[load]);
            }
            "loops" => {
                let load = ("2000 keys in a circle", load::loops(2000, requests), vec![500, 1000]);
                self.print_table(&title, &[load]);
            }
            "shifts" => self.print_table(
                &title,
                &[
                    (
                        "others popular every 100 k",
                        load::shifts(100_000, requests),
                        vec![100, 1000],
                    ),
                    ("others popular every 10 k", load::shifts(10_000, requests), vec![100, 1000]),
                ],
            ),
            "recent" => {
                let load = ("recent keys only", load::recent(requests), vec![100, 1000]);
                self.print_table(&title, &[load]);
            }
            "cost" => self.cost(&title),
            file => self.replay(Path::new(file))?,
        }
        Ok(())
    }

    fn zipf(&self, title: &str) {
        let requests = self.requests;
        self.print_table(
            title,
            &[
                ("Zipf 0.9, 10 k keys", load::zipf(10_000, 0.9, requests), vec![100, 1000]),
                ("Zipf 1.0, 10 k keys", load::zipf(10_000, 1.0, requests), vec![100, 1000]),
                ("Zipf 1.1, 10 k keys", load::zipf(10_000, 1.1, requests), vec![100, 1000]),
                ("Zipf 1.0, 1 M keys", load::zipf(1_000_000, 1.0, requests), vec![10_000]),
            ],
        );
    }

    fn replay(&self, path: &Path) -> Result<(), trace::TraceError> {
        let keys = trace::read(path)?;
        let different = keys.iter().collect::<HashSet<_>>().len();
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let title = format!("{name}: {} requests, {different} keys", keys.len());
        let cached = TRACE_PARTS.map(|part| (different / part).max(CACHED_MIN)).to_vec();
        self.print_table("eviction-traces", &[(&title, keys, cached)]);
        Ok(())
    }

    /// A line for each load and each number of keys that there is room for.
    fn print_table(&self, section: &str, loads: &[(&str, Vec<u32>, Vec<usize>)]) {
        let names: Vec<String> = POLICIES.iter().map(|policy| format!("`{policy}`")).collect();
        println!("| Load | keys cached | optimal | exact LRU | {} |", names.join(" | "));
        println!("|{}", "---|".repeat(4 + POLICIES.len()));
        for (name, keys, sizes) in loads {
            for cached in sizes {
                let percent = |hits: usize| Figure::from(hits as f64 * 100.0 / keys.len() as f64);
                let optimal = percent(reference::optimal_hits(keys, *cached));
                let exact = percent(reference::exact_lru_hits(keys, *cached));
                let mut cells = vec![optimal.text(1.0, 2), exact.text(1.0, 2)];
                for policy in POLICIES {
                    let hits = percent(Cache::new(policy, *cached).hits(keys));
                    cells.push(hits.text(1.0, 2));
                    let row = format!("{name}, {cached} cached, {policy}");
                    let row = Measured::higher(section, row, "%", &hits);
                    self.record(row.beside("exact LRU", Some(&exact)).compare(Compare::Value));
                }
                println!("| {name} | {cached} | {} |", cells.join(" | "));
            }
        }
        println!();
    }

    /// What a hit takes, and a miss with the write and the eviction that follow. Rough: other work on the
    /// machine counts.
    fn cost(&self, section: &str) {
        const CACHED: u32 = 10_000;
        const ROUNDS: usize = 5;
        println!("| Policy | ns per hit | ns per miss, write and eviction |");
        println!("|---|---|---|");
        for policy in POLICIES {
            let (mut hits, mut misses) = (Figure::default(), Figure::default());
            for _ in 0..ROUNDS {
                let cache = Cache::new(policy, CACHED as usize);
                (0..CACHED / 2).for_each(|key| cache.set(key));
                hits.add(nanoseconds(self.requests, |at| {
                    black_box(cache.get(at % (CACHED / 2)));
                }));
                misses.add(nanoseconds(self.requests, |at| cache.set(CACHED + at)));
            }
            // What is disturbed takes longer, never less.
            println!("| `{policy}` | {:.0} | {:.0} |", hits.low(), misses.low());
            for (what, figure) in [("hit", &hits), ("miss, write and eviction", &misses)] {
                self.record(Measured::lower(section, format!("{policy}, {what}"), "ns", figure));
            }
        }
        println!();
    }

    /// Takes a row for those who read files.
    fn record(&self, row: Measured) {
        self.recorder.row(row).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn nanoseconds(times: u32, mut work: impl FnMut(u32)) -> f64 {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

//! `cargo xtask bench`: the benchmarks of all crates, by name, and what becomes of their figures.
//!
//! `plan` knows which program measures what, `store` keeps the rows it recorded, `numbers` holds them against
//! the numbers to reach, `report`, `plot` and `svg` show them, `baseline` and `check` compare them with what was
//! committed. This file joins the steps.

mod baseline;
mod check;
mod format;
mod numbers;
mod plan;
mod plot;
mod report;
mod store;
mod svg;

use std::path::Path;

use anyhow::{Context, Result};
use kv_bench::{Form, Record};

use self::baseline::Baseline;
use self::plan::{Name, Run};
use self::store::Store;
use crate::shell;

/// What `cargo xtask bench` accepts.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Options {
    /// Which benchmark
    #[arg(value_enum, default_value = "all")]
    name: Name,
    /// Parts of it to run alone; all when left out. `persist` has always, interval, restart,
    /// snapshot and size; `protocols` has resp, http, grpc, metrics, idle, large, tails, latency and
    /// peers; `memory` has memory, turnover and memory-ttl; `engine` has memory, memory-ttl, operations, gets,
    /// pipelines, expiry, many-volatile, compression and mass-delete; `eviction` has zipf, scans, loops, shifts,
    /// recent and cost, and replays files of requests (.csv, .arc, .lis)
    sections: Vec<String>,
    /// Short rounds, minutes for everything: ratios can be compared with those of other short forms
    #[arg(long)]
    quick: bool,
    /// Compare ratios, bytes and hit ratios with docs/bench/baseline.json; fail where one is 15 % worse, twice
    #[arg(long, requires = "quick")]
    check: bool,
    /// Make what is measured the new docs/bench/baseline.json; needs a quiet machine and every section
    #[arg(long, requires = "quick", conflicts_with = "check")]
    refresh_baseline: bool,
    /// Put table and plots into docs/benchmarks.md; needs a quiet machine
    #[arg(long, conflicts_with = "quick")]
    refresh_docs: bool,
}

/// Builds and runs benchmarks, keeps their rows, and shows what they come to.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let form = if options.quick { Form::Quick } else { Form::Full };
    let runs = plan::runs(options.name, &options.sections)?;
    // What is asked for is checked before half an hour of measuring.
    anyhow::ensure!(
        !options.refresh_baseline || options.name == Name::All,
        "--refresh-baseline takes the rows of all sections: name `all`"
    );
    let baseline = options.check.then(|| Baseline::read(root)).transpose()?;
    // Nothing is built while something is measured.
    for line in plan::builds(&runs) {
        shell::run(root, &line)?;
    }
    let store = Store::new(root, form);
    let (records, failures) = measure(root, &store, &runs, form)?;
    store.save(&records)?;
    let all = store.load()?;
    if options.name == Name::All {
        println!("\n## Numbers to reach\n\n{}", numbers::table(&all));
        if options.quick {
            println!("The short form has fewer keys and shorter rounds: only ratios mean much.");
        }
    }
    if !all.is_empty() {
        println!("report: {}", report::write(store.folder(), &all)?.display());
    }
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("\n  "));
    if options.refresh_docs {
        report::refresh_docs(root, &all)?;
    }
    if options.refresh_baseline {
        Baseline::of(&records).write(root)?;
    }
    match baseline {
        Some(baseline) => compare(root, &store, &baseline, &runs, &records),
        None => Ok(()),
    }
}

/// Runs every program. One that fails does not keep the others from being measured; what it had recorded
/// until then counts.
fn measure(
    root: &Path,
    store: &Store,
    runs: &[Run],
    form: Form,
) -> Result<(Vec<Record>, Vec<String>)> {
    store.discard_partial()?;
    let mut failures = Vec::new();
    for run in runs {
        if let Err(error) = shell::run(root, &run.line(form, &store.partial_for_programs())) {
            failures.push(format!("{}: {error:#}", run.title()));
        }
    }
    let records = store.take_partial().context("what the benchmarks recorded cannot be read")?;
    Ok((records, failures))
}

/// Compares with the baseline; what is worse is measured once more, since these machines are noisy.
fn compare(
    root: &Path,
    store: &Store,
    baseline: &Baseline,
    runs: &[Run],
    records: &[Record],
) -> Result<()> {
    let mut lines = check::lines(baseline, records, &plan::row_sections(runs));
    let again = plan::again(&check::worse_sections(&lines));
    if !again.is_empty() {
        println!("\nworse than the baseline, measured once more: {}", plan::titles(&again));
        let (second, failures) = measure(root, store, &again, Form::Quick)?;
        anyhow::ensure!(failures.is_empty(), "{}", failures.join("\n  "));
        let sections = plan::row_sections(&again);
        check::take_second(&mut lines, check::lines(baseline, &second, &sections));
    }
    println!("\n{}", check::print(baseline, &lines));
    check::verdict(&lines)
}

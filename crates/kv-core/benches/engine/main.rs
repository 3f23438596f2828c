//! Measures the engine in one process: `cargo xtask bench engine [SECTION]...`.
//!
//! * `memory`, `memory-ttl`: bytes per key beyond key and value, as resident memory and as accounted.
//! * `operations`: reads and writes per second on one thread, alone and in batches, without and with TTL.
//! * `gets`: reads of keys that the processor's cache holds, and of ten million, one by one and in batches.
//! * `pipelines`: the same in order, as RESP's pipelines are executed, beside single calls and batches.
//! * `expiry`: how late keys leave memory when 200 k of a million volatile keys are due at once.
//! * `many-volatile`: ten million volatile keys: the cost while none is due, and a million due within a second.
//! * `compression`: bytes kept of records of text, and the time that takes.
//! * `mass-delete`: the longest pause other requests see while nine of ten keys go.
//!
//! `--quick` takes fewer keys, `--smoke` so few that figures mean nothing; `--json FILE` appends every row there.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program that prints figures, and stops when anything is wrong"
)]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

mod beside;
mod compression;
mod expiry;
mod many_volatile;
mod mass_delete;
mod memory;
mod operations;
mod pipelines;
mod rate;
mod scale;
mod store;

use std::process::{Command, ExitCode};

use kv_bench::{Arguments, Measured, Origin, Recorder, load_average};
use mimalloc::MiMalloc;

use scale::Scale;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What every section needs.
struct Bench {
    scale: Scale,
    recorder: Recorder,
}

impl Bench {
    /// Takes a row for those who read files.
    fn record(&self, row: Measured) {
        self.recorder.row(row).expect("the file with rows can be written");
    }
}

type Section = (&'static str, fn(&Bench));

const SECTIONS: [Section; 9] = [
    ("memory", memory::memory),
    ("memory-ttl", memory::memory_ttl),
    ("operations", operations::run),
    ("gets", pipelines::gets),
    ("pipelines", pipelines::run),
    ("expiry", expiry::run),
    ("many-volatile", many_volatile::run),
    ("compression", compression::run),
    ("mass-delete", mass_delete::run),
];

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => run(arguments),
        Err(error) => refuse(&error.to_string()),
    }
}

fn refuse(why: &str) -> ExitCode {
    println!("{why}");
    ExitCode::FAILURE
}

fn run(mut arguments: Arguments) -> ExitCode {
    let known = SECTIONS.map(|(name, _)| name);
    if let Some(unknown) = arguments.words.iter().find(|word| !known.contains(&word.as_str())) {
        let known = known.join(", ");
        return refuse(&format!("there is no section `{unknown}`: choose among {known}"));
    }
    if arguments.words.is_empty() {
        arguments.words = known.map(str::to_owned).to_vec();
    }
    let section = match arguments.words.as_slice() {
        [word] => SECTIONS.iter().find(|(name, _)| name == word),
        _ => return each_by_itself(&arguments),
    };
    let origin = Origin::here("cargo bench -p kv-core --bench engine", &arguments);
    let scale = Scale::of(arguments.form);
    match (Recorder::open(origin, arguments.json.as_deref()), section) {
        (Ok(recorder), Some((_, run))) => run(&Bench { scale, recorder }),
        (Err(error), _) => return refuse(&format!("the file for rows cannot be opened: {error}")),
        (_, None) => return refuse("there is no such section"),
    }
    ExitCode::SUCCESS
}

/// Each section runs in a process of its own: what one leaves behind would colour the next.
fn each_by_itself(arguments: &Arguments) -> ExitCode {
    println!("load average before: {}", load_average());
    let this = std::env::current_exe().unwrap();
    for word in &arguments.words {
        let mut command = Command::new(&this);
        let one = Arguments { words: vec![word.clone()], ..arguments.clone() };
        command.args(one.to_line().split_whitespace());
        if let Some(file) = &one.json {
            command.arg("--json").arg(file);
        }
        if !command.status().unwrap().success() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

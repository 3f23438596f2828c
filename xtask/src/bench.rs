//! `cargo xtask bench`: the benchmarks of all crates, by name.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::shell;

/// What `cargo xtask bench` accepts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which benchmark
    #[arg(value_enum)]
    name: Name,
    /// Parts of it to run alone; all when left out. `persist` has always, interval, restart,
    /// snapshot and size
    sections: Vec<String>,
    /// Small numbers that say nothing, to see that it runs (`persist` alone)
    #[arg(long)]
    quick: bool,
}

/// The benchmarks.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// Durability, through the real server and beside Redis
    Persist,
    /// The engine in one process
    Engine,
    /// The log under the engine, in one process
    Log,
}

impl Name {
    /// The crate it belongs to, and its name there.
    fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::Persist => ("kv-server", "persist"),
            Self::Engine => ("kv-core", "engine"),
            Self::Log => ("kv-persist", "log"),
        }
    }
}

/// Builds and runs a benchmark.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    shell::run(root, &command(options))
}

fn command(options: &Options) -> String {
    let (package, bench) = options.name.target();
    let mut line = format!("cargo bench --locked -p {package} --bench {bench}");
    let quick = options.quick.then_some("--quick");
    let arguments: Vec<&str> = options.sections.iter().map(String::as_str).chain(quick).collect();
    if !arguments.is_empty() {
        line = format!("{line} -- {}", arguments.join(" "));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: Name, sections: &[&str], quick: bool, expected: &str) {
        let sections = sections.iter().map(|&section| section.to_owned()).collect();
        assert_eq!(command(&Options { name, sections, quick }), expected);
    }

    #[test]
    fn options_are_passed_on() {
        let persist = "cargo bench --locked -p kv-server --bench persist";
        check(Name::Persist, &[], false, persist);
        check(Name::Persist, &["size"], true, &format!("{persist} -- size --quick"));
        check(Name::Engine, &[], false, "cargo bench --locked -p kv-core --bench engine");
    }
}

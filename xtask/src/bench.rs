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
    /// snapshot and size; `protocols` has resp, http, metrics, idle and large
    sections: Vec<String>,
    /// Small numbers that say nothing, to see that it runs (`persist` and `protocols`)
    #[arg(long)]
    quick: bool,
}

/// The benchmarks.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// Durability, through the real server and beside Redis
    Persist,
    /// The protocols, through the real server and beside Redis
    Protocols,
    /// The engine in one process
    Engine,
    /// The log under the engine, in one process
    Log,
}

impl Name {
    /// The crate it belongs to, and its name there.
    fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::Persist | Self::Protocols => ("kv-server", "server"),
            Self::Engine => ("kv-core", "engine"),
            Self::Log => ("kv-persist", "log"),
        }
    }

    /// The parts that are its own, where others have parts in the same program.
    fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Persist => &["always", "interval", "restart", "snapshot", "size"],
            Self::Protocols => &["resp", "http", "metrics", "idle", "large"],
            Self::Engine | Self::Log => &[],
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
    let named: Vec<&str> = options.sections.iter().map(String::as_str).collect();
    let sections = if named.is_empty() { options.name.sections() } else { &named };
    let arguments: Vec<&str> = sections.iter().copied().chain(quick).collect();
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
        let server = "cargo bench --locked -p kv-server --bench server --";
        let persist = "always interval restart snapshot size";
        check(Name::Persist, &[], false, &format!("{server} {persist}"));
        check(Name::Persist, &["size"], true, &format!("{server} size --quick"));
        let protocols = "resp http metrics idle large";
        check(Name::Protocols, &[], false, &format!("{server} {protocols}"));
        check(Name::Engine, &[], false, "cargo bench --locked -p kv-core --bench engine");
    }
}

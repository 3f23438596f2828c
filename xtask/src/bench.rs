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
    /// snapshot and size; `protocols` has resp, http, metrics, idle and large; `eviction` has zipf, scans,
    /// loops, shifts, recent and cost, and replays files of requests (.csv, .arc, .lis)
    sections: Vec<String>,
    /// Small numbers that say nothing, to see that it runs (`persist`, `protocols` and `eviction`)
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
    /// How often each eviction policy hits
    Eviction,
    /// The log under the engine, in one process
    Log,
}

impl Name {
    /// The crate it belongs to, and its name there.
    fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::Persist | Self::Protocols => ("kv-server", "server"),
            Self::Engine => ("kv-core", "engine"),
            Self::Eviction => ("kv-core", "eviction"),
            Self::Log => ("kv-persist", "log"),
        }
    }

    /// The parts that are its own, where others have parts in the same program.
    fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Persist => &["always", "interval", "restart", "snapshot", "size"],
            Self::Protocols => &["resp", "http", "metrics", "idle", "large"],
            Self::Eviction => &["zipf", "scans", "loops", "shifts", "recent", "cost"],
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
    let own = options.name.sections();
    let named = options.sections.iter().map(|section| match options.name {
        Name::Eviction if !own.contains(&section.as_str()) => from_anywhere(section),
        _ => section.clone(),
    });
    let all = own.iter().map(|&section| section.to_owned()).filter(|_| options.sections.is_empty());
    let arguments: Vec<String> = named.chain(all).chain(quick.map(str::to_owned)).collect();
    if !arguments.is_empty() {
        line = format!("{line} -- {}", arguments.join(" "));
    }
    line
}

/// The path of a file as a program finds it that runs in another directory.
fn from_anywhere(file: &str) -> String {
    std::path::absolute(file).map_or(file.to_owned(), |path| path.display().to_string())
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
        let eviction = "cargo bench --locked -p kv-core --bench eviction --";
        check(
            Name::Eviction,
            &["zipf", "/a.csv"],
            true,
            &format!("{eviction} zipf /a.csv --quick"),
        );
        check(
            Name::Eviction,
            &[],
            false,
            &format!("{eviction} zipf scans loops shifts recent cost"),
        );
        check(Name::Engine, &[], false, "cargo bench --locked -p kv-core --bench engine");
    }
}

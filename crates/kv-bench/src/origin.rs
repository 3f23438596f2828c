//! Where figures come from: which state of which programs, on what.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{Arguments, Form};

/// What a figure would be worthless without.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// How much was measured.
    pub form: Form,
    /// Of this project, as `git describe --always --dirty` tells it.
    pub commit: String,
    /// Processor, number of cores, system.
    pub machine: String,
    /// Of the programs that were measured and of those that made load.
    pub versions: BTreeMap<String, String>,
    /// Measures the same again.
    pub command: String,
}

impl Origin {
    /// Looks around. `program` is the start of the command line: `cargo bench -p PACKAGE --bench NAME`.
    /// Starts git and uname; what they do not tell is `unknown`.
    pub fn here(program: &str, arguments: &Arguments) -> Self {
        let mut versions = BTreeMap::new();
        versions.insert("kv".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self {
            form: arguments.form,
            commit: first_line("git", &["describe", "--always", "--dirty"]),
            machine: machine(),
            versions,
            command: format!("{program} -- {}", arguments.to_line()).trim_end().to_owned(),
        }
    }

    /// With the version of another program, if it is there.
    #[must_use]
    pub fn with_version(mut self, program: &str, version: Option<&str>) -> Self {
        if let Some(version) = version {
            self.versions.insert(program.to_owned(), version.to_owned());
        }
        self
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, NonZero::get);
    format!("{cores} cores ({}), {}", processor(), first_line("uname", &["-sr"]))
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown", |line| line.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

/// Of the last 1, 5 and 15 minutes: other work on the machine spoils figures. Empty where it is not told.
pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(", ")
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_measures_the_same_again() {
        let line = ["resp", "--quick", "--json", "f"].map(str::to_owned);
        let arguments = Arguments::parse(line).unwrap();
        let origin = Origin::here("cargo bench -p a", &arguments).with_version("redis", Some("7"));
        assert_eq!(origin.command, "cargo bench -p a -- resp --quick");
        assert_eq!(origin.versions["redis"], "7");
        assert!(!origin.commit.is_empty() && !origin.machine.is_empty());
    }
}

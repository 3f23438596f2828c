//! What is printed: what ran where, and tables.

use std::process::Command;

use crate::redis::RedisProgram;

/// Says what is measured, on what, and how to do it again.
pub(crate) fn header(words: &[String], quick: bool, redis: Option<&RedisProgram>) {
    println!("$ cargo bench -p kv-server --bench server -- {}", words.join(" "));
    if quick {
        println!("\nQUICK: small numbers that show that it runs. They claim nothing.\n");
    }
    let profile = if cfg!(debug_assertions) { "DEBUG BUILD, " } else { "" };
    println!(
        "kv-server {}: {profile}{}",
        env!("CARGO_PKG_VERSION"),
        last_line("git", "describe --always --dirty")
    );
    match redis {
        Some(redis) => println!("redis-server {}", redis.version),
        None => println!(
            "redis-server and redis-benchmark are not on PATH: this server alone is measured"
        ),
    }
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("{cpus} cores ({}), {}", processor(), last_line("uname", "-sr"));
    println!(
        "files on {}",
        last_line("df", &format!("--output=fstype,source {}", env!("CARGO_TARGET_TMPDIR")))
    );
    println!("load average before: {}", load_average());
    println!(
        "Load generators share the machine. Figures are medians (range of all rounds), taken in turns."
    );
}

/// The last line that a program prints.
fn last_line(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split_whitespace()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().last().unwrap_or("unknown").to_owned()
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown", |line| line.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

/// Other work on the machine spoils figures.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(", ")
}

/// One figure, measured several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figure(Vec<f64>);

impl Figure {
    /// Adds a measurement.
    pub(crate) fn add(&mut self, value: f64) {
        let at = self.0.partition_point(|&each| each < value);
        self.0.insert(at, value);
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// Median and range, in `unit`s of so much, with so many decimals.
    pub(crate) fn text(&self, unit: f64, decimals: usize) -> String {
        let show = |value: f64| format!("{:.decimals$}", value / unit);
        let (low, high) = (self.0[0], self.0[self.0.len() - 1]);
        format!("{} ({}–{})", show(self.median()), show(low), show(high))
    }

    /// Operations a second, in thousands.
    pub(crate) fn rate(&self) -> String {
        format!("{} k/s", self.text(1e3, 0))
    }

    /// Seconds, as milliseconds.
    pub(crate) fn millis(&self) -> String {
        format!("{} ms", self.text(1e-3, 2))
    }
}

impl FromIterator<f64> for Figure {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut figure = Self::default();
        values.into_iter().for_each(|value| figure.add(value));
        figure
    }
}

/// The first rows of a table.
pub(crate) fn table(columns: &[&str]) {
    println!("| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// A row of a table.
pub(crate) fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}

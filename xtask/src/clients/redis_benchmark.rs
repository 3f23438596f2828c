//! `redis-benchmark`: the load it makes is carried out, each request once. The figures are not judged.

use std::process::Command;

use anyhow::{Context, Result};

use super::server::Server;

/// Requests of each kind in each run.
const REQUESTS: u32 = 1600;

/// What is asked for, and what the lines about it begin with.
const TESTS: &str = "ping,set,get,incr,mset";
const LINES: [&str; 6] = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"];

/// What each run has beside that.
const RUNS: [&[&str]; 4] = [
    &["-P", "1", "--csv"],
    &["-P", "16", "--csv"],
    &["-P", "16", "-d", "1000", "-3", "--csv"],
    &["-P", "16", "--threads", "2", "--csv"],
];

/// Runs it in several ways, and looks at what is there afterwards.
pub(super) fn check(server: &Server) -> Result<()> {
    let address = server.host_and_port("resp")?;
    for (done, options) in (1..).zip(RUNS) {
        run(address, options).with_context(|| format!("redis-benchmark {}", options.join(" ")))?;
        // Without `-r` there is one counter.
        let counted = told("redis-cli", address, &["GET", "counter:__rand_int__"])?;
        let expected = (done * REQUESTS).to_string();
        anyhow::ensure!(counted.trim() == expected, "counted {counted}, expected {expected}");
    }
    println!("   {} of {} runs passed", RUNS.len(), RUNS.len());
    Ok(())
}

fn run(address: (&str, &str), options: &[&str]) -> Result<()> {
    let requests = REQUESTS.to_string();
    let fixed = ["-t", TESTS, "-n", &requests, "-c", "20"];
    let told = told("redis-benchmark", address, &[&fixed, options].concat())?;
    let mut lines = told.lines();
    let header = lines.next().unwrap_or_default();
    anyhow::ensure!(header.starts_with("\"test\",\"rps\","), "expected a header:\n{told}");
    let mut rates = Vec::new();
    for expected in LINES {
        let line = lines.next().unwrap_or_default();
        let fields: Vec<&str> = line.split("\",\"").map(|field| field.trim_matches('"')).collect();
        let rate = fields.get(1).and_then(|rate| rate.parse::<f64>().ok()).unwrap_or_default();
        anyhow::ensure!(fields.first() == Some(&expected) && rate > 0.0, "{expected}:\n{told}");
        rates.push(format!("{expected} {rate:.0}/s"));
    }
    anyhow::ensure!(lines.next().is_none(), "more than was asked for:\n{told}");
    println!("   {}: {}", options.join(" "), rates.join(", "));
    Ok(())
}

/// What a program prints, which must end with success and warn of nothing.
fn told(program: &str, (host, port): (&str, &str), arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(["-h", host, "-p", port]).args(arguments).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success() && !stderr.to_ascii_lowercase().contains("warning"),
        "{program} ended with {}: {stderr}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

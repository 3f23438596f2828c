//! docs/http-api.md tells the truth: its examples are run, and print what is shown.

use std::path::Path;
use std::process::{Command, Stdio};

use kv_server::testing::TestServer;

use crate::support::http::addr;

/// A command and what it prints.
struct Example {
    command: String,
    output: String,
}

/// The commands in `console` blocks: after `$ `, and on lines that begin with `> `.
fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                examples.push(Example { command: command.to_owned(), output: String::new() });
                continue;
            }
            let example = examples.last_mut().expect("a block begins with a command");
            match line.strip_prefix("> ") {
                Some(more) => example.command.extend(["\n", more]),
                None => example.output.extend([line, "\n"]),
            }
        }
    }
    examples
}

/// The text without what differs from run to run: versions, remaining times and dates.
fn lasting(text: &str) -> String {
    let mut lasting = Vec::new();
    for line in text.lines().map(|line| line.trim_end_matches('\r')) {
        let volatile = ["date: ", "kv-ttl-ms: ", "cache-control: max-age="];
        let line = match volatile.iter().find(|start| line.starts_with(*start)) {
            Some(start) => format!("{start}..."),
            None => without_numbers(line),
        };
        lasting.push(line);
    }
    lasting.join("\n")
}

/// Numbers as long as versions, and those after `"ttl_ms":`, become `#`.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        let volatile = number.len() >= 16 || before.ends_with("\"ttl_ms\":");
        out.extend([before, if volatile { "#" } else { number }]);
        rest = after;
    }
    out + rest
}

/// Runs all examples in one shell, each followed by a line that tells them apart.
fn run(examples: &[Example], addr: &str) -> Vec<String> {
    const END: &str = "-- end of the example --";
    let script: String = examples
        .iter()
        .map(|example| format!("{}\necho '{END}'\n", example.command))
        .collect::<Vec<_>>()
        .concat()
        .replace("127.0.0.1:7381", addr);
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).env("no_proxy", "*").stdin(Stdio::null());
    let output = shell.output().expect("a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.is_empty(), "{stderr}");
    let printed = String::from_utf8(output.stdout).expect("text");
    let mut printed: Vec<String> = printed.split(&format!("{END}\n")).map(str::to_owned).collect();
    assert_eq!(printed.pop().as_deref(), Some(""), "nothing comes after the last");
    printed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_prints_what_is_shown() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/http-api.md");
    let examples = examples(&std::fs::read_to_string(page).unwrap());
    assert!(examples.len() > 15, "the examples were not found");
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("SKIPPED: curl is not installed");
        return;
    }
    let server = TestServer::start();
    let printed = run(&examples, &addr(&server).to_string());
    assert_eq!(printed.len(), examples.len());
    for (example, printed) in examples.iter().zip(&printed) {
        assert_eq!(lasting(printed), lasting(&example.output), "$ {}", example.command);
    }
}

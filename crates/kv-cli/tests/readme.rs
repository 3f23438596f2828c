//! The README tells the truth: its console blocks are run, and print what it says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use std::path::Path;
use std::process::Command;

use kv_server::testing::TestServer;

/// A command of the README and the lines it shows for it.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    command: String,
    shown: Vec<String>,
}

/// The examples of every `console` block, in order.
fn examples(markdown: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut in_console = false;
    for line in markdown.lines() {
        match (in_console, line) {
            (false, "```console") => in_console = true,
            (true, "```") => in_console = false,
            (true, line) => match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => {
                    found.push(Example { command: command.to_owned(), shown: Vec::new() });
                }
                (None, Some(example)) => example.shown.push(masked(line)),
                (None, None) => panic!("output before the first command: {line}"),
            },
            (false, _) => {}
        }
    }
    found
}

/// Versions differ from run to run: long numbers are shown as `#`.
fn masked(line: &str) -> String {
    let mut out = String::new();
    for run in line.trim_end().split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = run.trim_end_matches(|c: char| !c.is_ascii_digit());
        let rest = run.strip_prefix(digits).unwrap_or_default();
        out.push_str(if digits.len() >= 13 { "#" } else { digits });
        out.push_str(rest);
    }
    out
}

/// Runs a command as a user's shell would, and returns what a terminal would show.
fn run(command: &str, addr: &str) -> Vec<String> {
    let bin_dir = Path::new(env!("CARGO_BIN_EXE_kv-cli")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bin_dir.to_owned()).chain(std::env::split_paths(&path));
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .env("PATH", std::env::join_paths(dirs).unwrap())
        .env("KV_ADDR", addr)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(masked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_console_example_prints_what_the_readme_shows() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let examples = examples(&std::fs::read_to_string(readme).unwrap());
    assert!(examples.len() > 10, "the README's console blocks were not found");
    let server = TestServer::start();
    let addr = server.addr();
    tokio::task::spawn_blocking(move || {
        for Example { command, shown } in examples {
            assert_eq!(run(&command, &addr), shown, "$ {command}");
        }
    })
    .await
    .unwrap();
}

#[test]
fn blocks_are_found_and_versions_masked() {
    let markdown = "text\n```sh\n$ no\n```\n```console\n$ one\n1795194075539001  12\n$ two\n```\n";
    let expected = [
        Example { command: "one".to_owned(), shown: vec!["#  12".to_owned()] },
        Example { command: "two".to_owned(), shown: Vec::new() },
    ];
    assert_eq!(examples(markdown), expected);
}

//! The README tells the truth: every `kv-server` command line it shows is a valid one.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Words after `kv-server` that are commands: these lines are run as they stand.
const COMMANDS: [&str; 3] = ["check", "repair", "dump"];

/// The lines of `sh` blocks that start the server, without their comments.
fn server_lines(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_shell = false;
    for line in markdown.lines() {
        match line {
            "```sh" => in_shell = true,
            "```" => in_shell = false,
            _ if in_shell && line.contains("kv-server") && !line.starts_with("cargo") => {
                found.push(line.split(" #").next().unwrap_or_default().trim().to_owned());
            }
            _ => {}
        }
    }
    found
}

/// Runs a line of the README in a directory with what it needs.
fn run(line: &str, dir: &Path) -> Output {
    let bin_dir = Path::new(env!("CARGO_BIN_EXE_kv-server")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bin_dir.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(dirs).unwrap();
    Command::new("sh").args(["-c", line]).env("PATH", &path).current_dir(dir).output().unwrap()
}

/// A data directory, as it was committed for all times.
fn make_data_dir(dir: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kv-persist/tests/golden/v1");
    fs::create_dir(dir).unwrap();
    let is_data = |name: &str| {
        ["MANIFEST", "log-", "snapshot-"].iter().any(|prefix| name.starts_with(prefix))
    };
    for entry in fs::read_dir(golden).unwrap().map(Result::unwrap) {
        if is_data(entry.file_name().to_str().unwrap()) {
            fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn every_server_command_of_the_readme_is_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lines = server_lines(&fs::read_to_string(root.join("README.md")).unwrap());
    let dir = tempfile::tempdir().unwrap();
    fs::copy(root.join("deploy/kv.example.toml"), dir.path().join("kv.toml")).unwrap();
    make_data_dir(&dir.path().join("kv-data"));
    let (mut tools, mut starts) = (0, 0);
    for line in lines {
        let is_tool = line.split(' ').nth(1).is_some_and(|word| COMMANDS.contains(&word));
        let checked = if is_tool || line.contains("--check-config") {
            line.clone()
        } else {
            format!("{line} --check-config")
        };
        *(if is_tool { &mut tools } else { &mut starts }) += 1;
        let output = run(&checked, dir.path());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "$ {line}\n{stderr}");
    }
    assert!(tools >= 4 && starts >= 4, "the README's server commands were not found");
}

#[test]
fn a_check_prints_what_the_readme_shows() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let dir = tempfile::tempdir().unwrap();
    make_data_dir(&dir.path().join("kv-data"));
    let output = run("kv-server check ./kv-data", dir.path());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(readme.contains(&format!("```text\n{printed}```\n")), "the README lacks\n{printed}");
}

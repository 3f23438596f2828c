//! The README tells the truth: every `kv-server` command line it shows is a valid one.

use std::path::Path;
use std::process::Command;

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

#[test]
fn every_server_command_of_the_readme_is_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lines = server_lines(&std::fs::read_to_string(root.join("README.md")).unwrap());
    assert!(lines.len() >= 4, "the README's server commands were not found: {lines:?}");
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(root.join("deploy/kv.example.toml"), dir.path().join("kv.toml")).unwrap();
    let bin_dir = Path::new(env!("CARGO_BIN_EXE_kv-server")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bin_dir.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(dirs).unwrap();
    for line in lines {
        let checked = if line.contains("--check-config") {
            line.clone()
        } else {
            format!("{line} --check-config")
        };
        let output = Command::new("sh")
            .args(["-c", &checked])
            .env("PATH", &path)
            .current_dir(dir.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "$ {line}\n{stderr}");
    }
}

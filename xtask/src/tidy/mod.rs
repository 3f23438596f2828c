//! `cargo xtask tidy`: the habits that neither the compiler nor clippy knows.
//!
//! Every check is a function from a file's path and text to findings, in a file of its own; this
//! file decides which check reads which file. Functions that are too long are clippy's to find
//! (`too-many-lines-threshold` in `clippy.toml`).

mod bans;
mod code;
mod decisions;
mod headers;
mod lengths;
mod manifests;
mod mask;
mod whitespace;

use std::path::Path;

use anyhow::{Context, Result};

use crate::finding::{self, Finding};
use crate::repository;
use code::RustCode;

/// The kinds of files that are read.
const CHECKED: [&str; 4] = ["md", "proto", "rs", "toml"];

/// Code that a program wrote follows no habits.
const GENERATED: &str = "crates/kv-proto/src/generated/";

/// Prints everything untidy, and fails if there is anything.
pub(crate) fn check(root: &Path) -> Result<()> {
    let files = repository::files(root)?;
    let mut findings = decisions::numbering(&files);
    for path in files.iter().filter(|path| is_checked(path)) {
        let text = std::fs::read_to_string(root.join(path))
            .with_context(|| format!("{path} cannot be read"))?;
        findings.extend(file_findings(path, &text));
    }
    finding::report(&findings)
}

fn is_checked(path: &str) -> bool {
    CHECKED.contains(&extension(path)) && !path.starts_with(GENERATED)
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Everything untidy in one file.
fn file_findings(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = whitespace::check(path, text);
    if extension(path) == "rs" {
        let code = RustCode::new(path, text);
        findings.extend(headers::check(path, text));
        findings.extend(lengths::check(path, &code));
        findings.extend(bans::check(path, &code));
    }
    if manifests::is_member(path) {
        findings.extend(manifests::check(path, text));
    }
    if decisions::is_decision(path) {
        findings.extend(decisions::check(path, text));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: usize) {
        let findings = if is_checked(path) { file_findings(path, text) } else { Vec::new() };
        assert_eq!(findings.len(), expected, "{path}: {findings:?}");
    }

    #[test]
    fn each_kind_of_file_is_held_to_its_own_habits() {
        check("crates/kv-core/src/a.rs", "use tokio; \n", 3);
        check("crates/kv-core/Cargo.toml", "[dependencies]\ntokio = \"1\" \n", 3);
        check("Cargo.toml", "[workspace.dependencies]\ntokio = \"1\"\n", 0);
        check("docs/adr/0001-a.md", "text \n", 5);
        check("docs/other.md", "text\n", 0);
        check("crates/kv-proto/src/generated/kv.v1.rs", "// generated \n", 0);
        check("picture.png", "text \n", 0);
    }
}

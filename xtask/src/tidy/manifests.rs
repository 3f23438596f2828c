//! A crate's manifest takes lints and versions from the workspace.

use crate::finding::Finding;

/// Whether `path` is the manifest of a crate in the workspace.
pub(super) fn is_member(path: &str) -> bool {
    path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
}

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut table = "";
    let mut inherits_lints = false;
    // Lists may run over several lines; what is inside of one is no entry of its own.
    let mut open_brackets = 0_i32;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        let continues = open_brackets > 0;
        open_brackets += bracket_balance(line);
        if continues || line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            table = line;
            if is_dependency_subtable(table) {
                findings.push(Finding::at_line(
                    path,
                    index + 1,
                    "write `NAME = { workspace = true, ... }`",
                ));
            }
        } else if table == "[lints]" {
            inherits_lints |= is_inherited(line);
        } else if is_dependency_table(table) && !is_inherited(line) {
            let message = "versions stand in the root manifest: write `NAME.workspace = true`";
            findings.push(Finding::at_line(path, index + 1, message));
        }
    }
    if !inherits_lints {
        findings.push(Finding::in_file(path, "`[lints]` with `workspace = true` is missing"));
    }
    findings
}

fn bracket_balance(line: &str) -> i32 {
    line.chars().map(|character| i32::from(character == '[') - i32::from(character == ']')).sum()
}

/// `[dependencies]`, `[dev-dependencies]`, `[target.'cfg(unix)'.build-dependencies]`.
fn is_dependency_table(table: &str) -> bool {
    table.trim_end_matches(']').ends_with("dependencies")
}

/// `[dependencies.NAME]`, where an entry would be spread over several lines.
fn is_dependency_subtable(table: &str) -> bool {
    table.contains("dependencies.")
}

/// `NAME.workspace = true` or `NAME = { workspace = true, ... }`; under `[lints]` without a name.
fn is_inherited(line: &str) -> bool {
    let compact: String = line.chars().filter(|character| !character.is_whitespace()).collect();
    compact.contains("workspace=true") && !compact.contains("version=")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::printed;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn check_manifest(text: &str, expected: &[&str]) {
        let text = text.to_owned() + LINTS;
        assert_eq!(printed(&check("crates/a/Cargo.toml", &text)), expected, "{text}");
    }

    #[test]
    fn inherited_dependencies_are_fine() {
        check_manifest("[package]\nname = \"a\"\nversion.workspace = true\n", &[]);
        check_manifest("[dependencies]\n# why\n\nb.workspace = true\n", &[]);
        check_manifest("[dev-dependencies]\nb = { workspace = true, features = [\"c\"] }\n", &[]);
        check_manifest(
            "[dependencies]\nb = { workspace = true, features = [\n  \"c\",\n] }\n",
            &[],
        );
        check_manifest("[features]\ntesting = [\"dep:b\"]\n", &[]);
    }

    #[test]
    fn versions_in_a_crate_are_found() {
        let message = "crates/a/Cargo.toml:2: versions stand in the root manifest: write `NAME.workspace = true`";
        for table in [
            "dependencies",
            "dev-dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            for entry in ["b = \"1\"", "b = { version = \"1\" }", "b = { path = \"../b\" }"] {
                check_manifest(&format!("[{table}]\n{entry}\n"), &[message]);
            }
        }
        check_manifest(
            "[dependencies.b]\nworkspace = true\n",
            &["crates/a/Cargo.toml:1: write `NAME = { workspace = true, ... }`"],
        );
    }

    #[test]
    fn lints_must_be_inherited() {
        for text in
            ["", "[lints]\n", "[lints.rust]\nunsafe_code = \"deny\"\n", "[b]\nworkspace = true\n"]
        {
            assert_eq!(
                printed(&check("crates/a/Cargo.toml", text)),
                ["crates/a/Cargo.toml: `[lints]` with `workspace = true` is missing"],
                "{text}"
            );
        }
    }

    #[test]
    fn only_members_are_read() {
        assert!(is_member("crates/kv-core/Cargo.toml"));
        assert!(is_member("xtask/Cargo.toml"));
        assert!(!is_member("Cargo.toml"));
        assert!(!is_member("fuzz/Cargo.toml"));
        assert!(!is_member("xtask/clients/rust/Cargo.toml"));
    }
}

//! Reads from `cargo metadata` what the crates of the workspace depend on.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Relative to the workspace root.
    pub(super) manifest: String,
    /// The packages it names for itself or its build script. Tests may depend on anything.
    pub(super) dependencies: BTreeSet<String>,
}

/// All members, in the order of their names.
pub(super) fn read(root: &Path) -> Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .context("`cargo metadata` failed; is a manifest broken?")?;
    let mut members: Vec<Member> =
        metadata.workspace_packages().into_iter().map(|package| member(root, package)).collect();
    members.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(members)
}

fn member(root: &Path, package: &Package) -> Member {
    let manifest = package.manifest_path.strip_prefix(root).unwrap_or(&package.manifest_path);
    let dependencies = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.clone())
        .collect();
    Member { name: package.name.to_string(), manifest: manifest.to_string(), dependencies }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members `a` and `b`, where `table` of `a` names `b`; returns what `a` depends on.
    fn dependencies_of_a(table: &str) -> BTreeSet<String> {
        let root = tempfile::tempdir().unwrap();
        let package = |name| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n".to_owned()),
            ("a/Cargo.toml", format!("{}[{table}]\nb = {{ path = \"../b\" }}\n", package("a"))),
            ("b/Cargo.toml", package("b")),
            ("a/src/lib.rs", String::new()),
            ("b/src/lib.rs", String::new()),
        ];
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let members = read(root.path()).unwrap();
        assert_eq!(members[0].manifest, "a/Cargo.toml");
        assert!(members[1].dependencies.is_empty());
        members[0].dependencies.clone()
    }

    #[test]
    fn all_dependencies_count_but_those_of_tests() {
        let only_b = BTreeSet::from(["b".to_owned()]);
        for (table, expected) in [
            ("dependencies", &only_b),
            ("build-dependencies", &only_b),
            ("target.'cfg(unix)'.dependencies", &only_b),
            ("dev-dependencies", &BTreeSet::new()),
        ] {
            assert_eq!(&dependencies_of_a(table), expected, "{table}");
        }
    }
}

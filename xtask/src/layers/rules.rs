//! The rules about who may depend on whom.
//!
//! Edges between the crates of the workspace stand in the architecture document, for readers; what
//! is said here is about crates from outside.

use super::TABLE_FILE;
use super::edge_table::Row;
use super::members::Member;
use crate::finding::Finding;

/// Errors without a type are for programs; a library's caller must be able to tell them apart.
const ANYHOW_USERS: [&str; 3] = ["kv-cli", "kv-server", "xtask"];

/// The crates that would bring I/O or a wire format into kv-core (invariant KV-I1).
const NOT_IN_KV_CORE: [&str; 4] = ["hyper", "prost", "tokio", "tonic"];

/// Everything that breaks a rule.
pub(super) fn findings(rows: &[Row], members: &[Member]) -> Vec<Finding> {
    let mut findings = undeclared_edges(rows, members);
    findings.extend(imaginary_edges(rows, members));
    findings.extend(misplaced_packages(members));
    findings
}

/// Dependencies that the table does not allow.
fn undeclared_edges(rows: &[Row], members: &[Member]) -> Vec<Finding> {
    let is_allowed = |from: &str, to: &str| rows.iter().any(|row| row.from == from && row.to == to);
    let mut findings = Vec::new();
    for from in members {
        for to in members.iter().filter(|to| from.dependencies.contains(&to.name)) {
            if !is_allowed(&from.name, &to.name) {
                let message = format!(
                    "{} -> {} is not an allowed edge: drop the dependency here, or add the row to the edge table in {TABLE_FILE} and say why",
                    from.name, to.name
                );
                findings.push(Finding::in_file(&from.manifest, message));
            }
        }
    }
    findings
}

/// Rows that no dependency stands behind. Crates yet to come are passed over.
fn imaginary_edges(rows: &[Row], members: &[Member]) -> Vec<Finding> {
    let member = |name: &str| members.iter().find(|member| member.name == name);
    let mut findings = Vec::new();
    for row in rows {
        let (Some(from), Some(to)) = (member(&row.from), member(&row.to)) else {
            continue;
        };
        if !from.dependencies.contains(&to.name) {
            let message = format!(
                "{} -> {} is in the edge table only: drop the row here, or add the dependency to {}",
                row.from, row.to, from.manifest
            );
            findings.push(Finding::at_line(TABLE_FILE, row.line, message));
        }
    }
    findings
}

/// Packages from outside in a crate that must do without them.
fn misplaced_packages(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let mut forbid = |package: &str, why: &str| {
            if member.dependencies.contains(package) {
                let message = format!("{} must not depend on {package}: {why}", member.name);
                findings.push(Finding::in_file(&member.manifest, message));
            }
        };
        if !ANYHOW_USERS.contains(&member.name.as_str()) {
            forbid("anyhow", "a library's errors have types; anyhow is for programs");
        }
        if member.name == "kv-core" {
            for package in NOT_IN_KV_CORE {
                forbid(package, "kv-core does no I/O (KV-I1) and knows no wire format");
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::printed;

    fn check(edges: &[(&str, &str)], members: &[(&str, &[&str])], expected: &[&str]) {
        let row = |(index, &(from, to)): (usize, &(&str, &str))| Row {
            from: from.to_owned(),
            to: to.to_owned(),
            line: index + 10,
        };
        let rows: Vec<Row> = edges.iter().enumerate().map(row).collect();
        let member = |&(name, dependencies): &(&str, &[&str])| Member {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        };
        let members: Vec<Member> = members.iter().map(member).collect();
        assert_eq!(printed(&findings(&rows, &members)), expected);
    }

    #[test]
    fn edges_in_both_places_are_fine() {
        check(&[], &[("kv-core", &["hashbrown"])], &[]);
        check(&[("kv-server", "kv-core")], &[("kv-core", &[]), ("kv-server", &["kv-core"])], &[]);
    }

    #[test]
    fn an_edge_that_only_a_manifest_has_is_found() {
        check(
            &[("kv-proto", "kv-core")],
            &[("kv-core", &["kv-proto"]), ("kv-proto", &["kv-core"]), ("xtask", &["kv-core"])],
            &[
                "crates/kv-core/Cargo.toml: kv-core -> kv-proto is not an allowed edge: drop the dependency here, or add the row to the edge table in docs/architecture.md and say why",
                "crates/xtask/Cargo.toml: xtask -> kv-core is not an allowed edge: drop the dependency here, or add the row to the edge table in docs/architecture.md and say why",
            ],
        );
    }

    #[test]
    fn an_edge_that_only_the_table_has_is_found() {
        check(
            &[("kv-server", "kv-core"), ("kv-server", "kv-persist")],
            &[("kv-core", &[]), ("kv-server", &["tokio"])],
            &[
                "docs/architecture.md:10: kv-server -> kv-core is in the edge table only: drop the row here, or add the dependency to crates/kv-server/Cargo.toml",
            ],
        );
    }

    #[test]
    fn packages_from_outside_stay_where_they_belong() {
        check(&[], &[("kv-server", &["anyhow", "tokio", "tonic"]), ("xtask", &["anyhow"])], &[]);
        check(
            &[],
            &[("kv-client", &["anyhow"]), ("kv-core", &["tokio"])],
            &[
                "crates/kv-client/Cargo.toml: kv-client must not depend on anyhow: a library's errors have types; anyhow is for programs",
                "crates/kv-core/Cargo.toml: kv-core must not depend on tokio: kv-core does no I/O (KV-I1) and knows no wire format",
            ],
        );
    }
}

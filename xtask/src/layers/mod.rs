//! `cargo xtask layers`: holds the dependencies between crates against the table that allows them.
//!
//! `edge_table` reads what is allowed, `members` what is there, `rules` compares; this file calls
//! them and reports.

mod edge_table;
mod members;
mod rules;

use std::path::Path;

use anyhow::{Context, Result};

use crate::finding;

/// The file with the edge table, relative to the workspace root.
const TABLE_FILE: &str = "docs/architecture.md";

/// Prints every edge that is in one place only, and fails if there is one.
pub(crate) fn check(root: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root.join(TABLE_FILE))
        .with_context(|| format!("{TABLE_FILE} cannot be read"))?;
    let members = members::read(root)?;
    let findings = match edge_table::parse(&text) {
        Ok(rows) => rules::findings(&rows, &members),
        Err(finding) => vec![finding],
    };
    finding::report(&findings)
}

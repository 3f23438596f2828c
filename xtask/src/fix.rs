//! `cargo xtask fix`: the writing counterpart of `ci`. It mends what needs no judgement.

use std::path::Path;

use anyhow::Result;

use crate::{codegen, shell};

/// Regenerates, applies clippy's cures, and formats; last, because the first two write code.
pub(crate) fn run(root: &Path) -> Result<()> {
    codegen::write(root)?;
    shell::run(
        root,
        "cargo clippy --fix --workspace --all-targets --all-features --locked --allow-dirty --allow-staged",
    )?;
    shell::run(root, "cargo fmt --all")
}

//! Rust: a workspace of its own with a program for each client, so that their dependencies are not ours.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::{CLIENTS_DIR, INSTALL_DIR, Installed, Unready, install_step, option};

/// The package, as a folder in both places.
const PACKAGE: &str = "rust";

/// Builds the program of this name; its packages come from crates.io.
pub(super) fn prepare(root: &Path, name: &str) -> Result<Installed, Unready> {
    let manifest = root.join(CLIENTS_DIR).join(PACKAGE).join("Cargo.toml");
    let folder = root.join(INSTALL_DIR).join(PACKAGE);
    let cargo = |subcommand: &str| {
        let mut command = Command::new("cargo");
        command.args([subcommand, "--locked", "--quiet"]);
        command.args(option("--manifest-path", &manifest));
        command
    };
    // What cannot be fetched is missing; what cannot be built is broken.
    install_step("cargo fetch", &mut cargo("fetch"))?;
    let mut build = cargo("build");
    build.args(option("--target-dir", &folder)).env("RUSTFLAGS", "-Dwarnings");
    let status = build.status().context("`cargo build` could not be started")?;
    if !status.success() {
        return Err(anyhow::anyhow!("xtask/clients/{PACKAGE} does not build").into());
    }
    Ok(Installed {
        interpreter: folder.join("debug").join(name),
        script: None,
        suffix: None,
        folder,
        module_path: None,
    })
}

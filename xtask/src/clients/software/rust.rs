//! Rust: a workspace of its own with a program for each client, so that their dependencies are not ours.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::limited::output_within;
use super::{CLIENTS_DIR, INSTALL_DIR, Installed, Unready, install_step, option};

/// One more attempt, and no long wait for a network that is not there.
const PATIENCE: [&str; 4] = ["--config", "net.retry=1", "--config", "http.timeout=15"];

/// How long the building may take, which is once for both clients: a machine so slow has better things to do.
const BUILD_MAX: Duration = Duration::from_mins(5);

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
    install_step("cargo fetch", cargo("fetch").args(PATIENCE))?;
    let mut build = cargo("build");
    build.args(option("--target-dir", &folder)).env("RUSTFLAGS", "-Dwarnings");
    let output = output_within(BUILD_MAX, &mut build);
    let output = output.context("`cargo build` could not be started")?;
    let Some(output) = output else {
        return Err(Unready::Missing(format!("building it took longer than {BUILD_MAX:?}")));
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow::anyhow!("xtask/clients/{PACKAGE} does not build:\n{said}").into());
    }
    Ok(Installed {
        interpreter: folder.join("debug").join(name),
        script: None,
        suffix: None,
        folder,
        module_path: None,
    })
}

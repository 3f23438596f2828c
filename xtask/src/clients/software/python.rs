//! Python: a virtual environment for each client, with packages of `PyPI`.

use std::path::Path;
use std::process::Command;

use super::{CLIENTS_DIR, Installed, Unready, install_step, manifest, once, option, told};

/// One more attempt, and no long wait for a network that is not there.
const PATIENCE: [&str; 4] = ["--retries", "1", "--timeout", "15"];

/// An environment with the packages of `requirements.txt`, and a folder for the packages of each extra.
pub(super) fn prepare(root: &Path, name: &str, extras: &[&str]) -> Result<Installed, Unready> {
    let Some(python) = told("python3", &["--version"]) else {
        return Err(Unready::Missing("python3 is not installed".to_owned()));
    };
    let mut stamp = format!("{python}\n{}", manifest(root, name, "requirements.txt")?);
    for extra in extras {
        stamp += &manifest(root, name, &format!("{extra}.txt"))?;
    }
    let dir = root.join(CLIENTS_DIR).join(name);
    let folder = once(root, name, &stamp, |folder| {
        install_step("venv", Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        pip(folder, &dir.join("requirements.txt"), None)?;
        extras.iter().try_for_each(|extra| {
            pip(folder, &dir.join(format!("{extra}.txt")), Some(&folder.join(extra_dir(extra))))
        })
    })?;
    Ok(Installed {
        interpreter: folder.join("bin/python"),
        script: Some(dir.join("check.py")),
        suffix: Some("py"),
        module_path: Some(("PYTHONPATH", vec![root.join(CLIENTS_DIR).join("shared")])),
        folder,
    })
}

/// Where the packages of an extra are, in the environment's folder. Not its bare name: that would be a module
/// of this name for whatever runs there.
pub(super) fn extra_dir(extra: &str) -> String {
    format!("with-{extra}")
}

/// Installs a list of packages: into the environment, or beside it. Nothing is compiled.
fn pip(folder: &Path, requirements: &Path, target: Option<&Path>) -> Result<(), Unready> {
    let mut command = Command::new(folder.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command.args(["--only-binary", ":all:"]).args(PATIENCE);
    command.args(target.map(|target| option("--target", target)).into_iter().flatten());
    install_step("pip", command.args(option("--requirement", requirements)))
}

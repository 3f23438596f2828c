//! How the software of a client gets here: each kind in a file of its own.
//!
//! Versions stand in the manifests in `xtask/clients/NAME/`, as the package manager of the language wants
//! them, with a lock file where it has one. What is installed goes to `target/clients/NAME/` and stays until
//! a manifest changes.

mod limited;
mod node;
mod program;
mod python;
mod rust;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::catalog::Way;
use super::server::Server;
use limited::output_within;

/// The clients' folders, relative to the workspace root.
const CLIENTS_DIR: &str = "xtask/clients";

/// Where software is installed, relative to the workspace root.
const INSTALL_DIR: &str = "target/clients";

/// How long a step of an installation may take. A registry that does not answer is given up much sooner by whoever
/// asks it; this is for one that goes on for ever.
const STEP_MAX: Duration = Duration::from_mins(4);

/// The manifest that was installed, kept beside what was installed.
const STAMP: &str = "installed";

/// How a client's software arrives, and how it is driven.
#[derive(Debug)]
pub(super) enum Software {
    /// `check.py`, with the packages of `requirements.txt`; each extra is one more list, `EXTRA.txt`, whose
    /// packages are kept apart.
    Python { extras: &'static [&'static str] },
    /// `check.mjs`, with the packages of `package-lock.json`.
    Node,
    /// The program of the client's name in `xtask/clients/rust/`.
    Rust,
    /// The program of the client's name, which comes with the operating system and is driven from here.
    Program {
        /// The Debian package it is in.
        package: &'static str,
        check: fn(&Server) -> Result<()>,
    },
}

/// Software that is there.
#[derive(Debug)]
pub(super) enum Ready {
    Script(Installed),
    Program { version: String, check: fn(&Server) -> Result<()> },
}

/// Why software is not there.
#[derive(Debug)]
pub(super) enum Unready {
    /// It cannot be had on this machine, or not now.
    Missing(String),
    /// What is in this repository is at fault.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Unready {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

/// A script with what it needs.
#[derive(Debug)]
pub(super) struct Installed {
    /// What runs the script.
    interpreter: PathBuf,
    /// The script; `None` when the interpreter is the program itself.
    script: Option<PathBuf>,
    /// What scripts in the same language are called: `py`, `mjs`; `None` where there are none.
    pub(super) suffix: Option<&'static str>,
    /// Where the software was installed.
    pub(super) folder: PathBuf,
    /// Where modules are looked for, in the variable of this name.
    module_path: Option<(&'static str, Vec<PathBuf>)>,
}

impl Installed {
    /// Starts the client's script, or the client's program, in one of its ways.
    pub(super) fn command(&self, way: &Way) -> Command {
        let mut command = self.interpreter(way.extra);
        command.args(&self.script).args(way.arguments);
        command
    }

    /// Starts another script in the same language.
    pub(super) fn other(&self, script: &Path) -> Command {
        let mut command = self.interpreter(None);
        command.arg(script);
        command
    }

    fn interpreter(&self, extra: Option<&str>) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.env("KV_CLIENTS_OUT", &self.folder).env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some((variable, dirs)) = &self.module_path {
            let extra = extra.map(|name| self.folder.join(python::extra_dir(name)));
            // A path with a colon in it cannot be told; the modules are then missed by name.
            let joined = std::env::join_paths(dirs.iter().chain(&extra)).unwrap_or_default();
            command.env(variable, joined);
        }
        command
    }
}

impl Software {
    /// Finds the software, or installs it, once.
    pub(super) fn prepare(&self, root: &Path, name: &str) -> Result<Ready, Unready> {
        match self {
            Self::Python { extras } => python::prepare(root, name, extras).map(Ready::Script),
            Self::Node => node::prepare(root, name).map(Ready::Script),
            Self::Rust => rust::prepare(root, name).map(Ready::Script),
            Self::Program { package, check } => {
                let version = program::version(name, package)?;
                Ok(Ready::Program { version, check: *check })
            }
        }
    }
}

/// What `program ARGUMENTS...` prints; `None` when it is not there or does not work.
pub(super) fn told(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Installs into `target/clients/NAME/`, unless what is there came from the same `stamp`.
fn once(
    root: &Path,
    name: &str,
    stamp: &str,
    install: impl FnOnce(&Path) -> Result<(), Unready>,
) -> Result<PathBuf, Unready> {
    let folder = root.join(INSTALL_DIR).join(name);
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp) {
        return Ok(folder);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("an old installation cannot be removed")?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("{INSTALL_DIR} cannot be made"))?;
    install(&folder)?;
    std::fs::write(folder.join(STAMP), stamp).context("the installation cannot be noted")?;
    Ok(folder)
}

/// Runs a step of an installation. What it prints is shown only when it fails, the first error as the reason; it
/// fails too when it takes longer than [`STEP_MAX`].
fn install_step(what: &str, command: &mut Command) -> Result<(), Unready> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    println!("   $ {line}");
    let output = output_within(STEP_MAX, command);
    let output = output.with_context(|| format!("`{line}` could not be started"))?;
    let Some(output) = output else {
        return Err(Unready::Missing(format!("{what} took longer than {STEP_MAX:?}")));
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(Unready::Missing(format!("{what} failed: {}", reason(&said))))
}

/// The line that most likely tells what went wrong: the first that says it is an error, else the last.
fn reason(said: &str) -> &str {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("error") || line.starts_with("npm error")
    };
    lines.clone().find(is_error).or_else(|| lines.next_back()).unwrap_or("it said nothing")
}

/// The text of a file in a client's folder.
fn manifest(root: &Path, name: &str, file: &str) -> Result<String> {
    let path = root.join(CLIENTS_DIR).join(name).join(file);
    std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Two words as one argument, for options whose value is a path.
fn option(name: &str, path: &Path) -> [OsString; 2] {
    [name.into(), path.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_first_error() {
        assert_eq!(reason("WARNING: a\nERROR: b\nERROR: c\n\n[notice] d\n"), "ERROR: b");
        assert_eq!(reason("npm warn a\nnpm error b\nnpm error c\n"), "npm error b");
        assert_eq!(reason("a\nb\n"), "b");
        assert_eq!(reason(""), "it said nothing");
    }

    #[test]
    fn what_is_installed_stays_until_its_manifest_changes() {
        let root = tempfile::tempdir().unwrap();
        let install = |stamp: &str| {
            let mut installs = 0;
            let folder = once(root.path(), "a", stamp, |_| {
                installs += 1;
                Ok(())
            });
            assert_eq!(folder.unwrap(), root.path().join("target/clients/a"));
            installs
        };
        assert_eq!(install("1"), 1);
        assert_eq!(install("1"), 0);
        assert_eq!(install("2"), 1);
    }

    #[test]
    fn an_installation_that_failed_is_tried_again() {
        let root = tempfile::tempdir().unwrap();
        let fails = |_: &Path| {
            install_step("it", Command::new("sh").args(["-c", "echo error: no; exit 1"]))
        };
        for _ in 0..2 {
            let Err(Unready::Missing(reason)) = once(root.path(), "a", "1", fails) else {
                panic!("it failed")
            };
            assert_eq!(reason, "it failed: error: no");
        }
    }
}

//! The cargo subcommands that Rust does not bring along: which ones, which versions, and how they
//! arrive.
//!
//! A tool on PATH that is new enough is used. Otherwise the pinned version is built into
//! `target/tools`, once, and found there ever after. No step is skipped for want of a tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::semver::Version;

/// Where tools are installed, relative to the workspace root.
const INSTALL_DIR: &str = "target/tools";

/// Every tool; the only place that names their versions.
static TOOLS: [Tool; 3] = [
    Tool {
        subcommand: "nextest",
        package: "cargo-nextest",
        minimum: Version::new(0, 9, 100),
        pinned: Version::new(0, 9, 143),
        // Everything but updating itself, which would bring an HTTP client.
        features: &["--no-default-features", "--features", "default-no-update"],
    },
    Tool {
        subcommand: "deny",
        package: "cargo-deny",
        minimum: Version::new(0, 18, 0),
        pinned: Version::new(0, 20, 2),
        features: &[],
    },
    Tool {
        subcommand: "fuzz",
        package: "cargo-fuzz",
        minimum: Version::new(0, 12, 0),
        pinned: Version::new(0, 13, 2),
        features: &[],
    },
];

/// A cargo subcommand that comes as a package of its own.
#[derive(Debug)]
pub(crate) struct Tool {
    /// `cargo SUBCOMMAND` runs it.
    subcommand: &'static str,
    /// The package, and the program in it.
    package: &'static str,
    /// The oldest version whose options and output this project relies on.
    minimum: Version,
    /// The version to install; it compiles with the toolchain in rust-toolchain.toml.
    pinned: Version,
    /// `cargo install` options that leave out what a check does not need.
    features: &'static [&'static str],
}

/// The tool behind `cargo SUBCOMMAND`, unless cargo has the subcommand itself.
pub(crate) fn by_subcommand(subcommand: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.subcommand == subcommand)
}

impl Tool {
    /// The program to start: from PATH, from an earlier installation, or installed now.
    pub(crate) fn program(&self, root: &Path) -> Result<PathBuf> {
        let installed = root.join(INSTALL_DIR).join("bin").join(self.package);
        for candidate in [Path::new(self.package), &installed] {
            if self.is_recent(candidate) {
                return Ok(candidate.to_path_buf());
            }
        }
        self.install(root)?;
        Ok(installed)
    }

    /// Whether `program` exists and is new enough.
    fn is_recent(&self, program: &Path) -> bool {
        // A program that cannot be started is a program that is not there.
        let Ok(output) = Command::new(program).arg("--version").output() else {
            return false;
        };
        parse_version(&String::from_utf8_lossy(&output.stdout))
            .is_some_and(|version| version >= self.minimum)
    }

    /// Builds the pinned version into [`INSTALL_DIR`].
    ///
    /// The debug profile without debug information halves the build, and a check does not notice.
    fn install(&self, root: &Path) -> Result<()> {
        println!(
            "{} >= {} is not on PATH: building {} into {INSTALL_DIR}, once; this takes minutes",
            self.package, self.minimum, self.pinned
        );
        let status = Command::new("cargo")
            .args(["install", self.package, "--version", &self.pinned.to_string()])
            .args(["--locked", "--debug", "--root", INSTALL_DIR])
            .args(self.features)
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .current_dir(root)
            .status()
            .context("`cargo install` could not be started")?;
        anyhow::ensure!(status.success(), "{} could not be installed", self.package);
        Ok(())
    }
}

/// The version in the output of `--version`: `cargo-nextest 0.9.143 (60fa45f63 2026-08-04)`.
fn parse_version(output: &str) -> Option<Version> {
    let word = output.split_whitespace().nth(1)?;
    Version::parse(word).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, expected: Option<&str>) {
        let version = parse_version(output).map(|version| version.to_string());
        assert_eq!(version.as_deref(), expected, "{output}");
    }

    #[test]
    fn versions_are_read_from_what_tools_print() {
        check("cargo-deny 0.20.2\n", Some("0.20.2"));
        check("cargo-nextest 0.9.143 (60fa 2026-08-04)\nhost: x86_64\n", Some("0.9.143"));
        check("", None);
        check("cargo-deny", None);
        check("error: no such command", None);
    }

    #[test]
    fn a_pinned_version_is_new_enough_to_be_found_again() {
        for tool in &TOOLS {
            assert!(tool.pinned >= tool.minimum, "{}", tool.package);
        }
    }

    #[test]
    fn a_missing_program_is_not_recent() {
        for tool in &TOOLS {
            assert!(!tool.is_recent(Path::new("no-such-program")), "{}", tool.package);
        }
    }
}

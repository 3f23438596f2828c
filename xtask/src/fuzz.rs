//! `cargo xtask fuzz`: feeds random bytes to the readers of files and requests, for as long as one likes.
//!
//! Fuzzing needs a C++ compiler, for libFuzzer, and the compiler's unstable options, for its coverage
//! instrumentation: `RUSTC_BOOTSTRAP` has the compiler of the workspace take those, so that no nightly is needed.
//! That the targets compile is checked by `ci`, with the compiler of the workspace and without libFuzzer.

use std::path::Path;

use anyhow::{Context, Result};

use crate::shell;

/// Where the targets are, relative to the workspace root; one file each.
const TARGETS_DIR: &str = "fuzz/fuzz_targets";

/// Runs every target for a minute.
pub(crate) fn check(root: &Path) -> Result<()> {
    run(root, &Options { targets: Vec::new(), seconds: SECONDS })
}

/// How long a target runs when nothing else is asked for.
const SECONDS: u64 = 60;

/// What `cargo xtask fuzz` accepts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The targets to run; all when left out
    targets: Vec<String>,
    /// How long to run each target
    #[arg(long, value_name = "N", default_value_t = SECONDS)]
    seconds: u64,
}

/// Runs the targets one after the other, until one finds something.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let known = targets(root)?;
    let unknown = options.targets.iter().find(|target| !known.contains(target));
    if let Some(unknown) = unknown {
        anyhow::bail!("there is no fuzz target `{unknown}`: choose among {}", known.join(", "));
    }
    let chosen = if options.targets.is_empty() { &known } else { &options.targets };
    for target in chosen {
        shell::run(root, &command(target, options.seconds)).with_context(|| {
            format!("fuzz target `{target}` failed; the input is in fuzz/artifacts/{target}/")
        })?;
    }
    Ok(())
}

/// The names of all targets, in order.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let dir = root.join(TARGETS_DIR);
    for entry in std::fs::read_dir(&dir).with_context(|| format!("{TARGETS_DIR} cannot be read"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn command(target: &str, seconds: u64) -> String {
    format!("RUSTC_BOOTSTRAP=1 cargo fuzz run {target} -- -max_total_time={seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_files_of_their_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(targets(dir.path()).unwrap_err().to_string().contains(TARGETS_DIR));
        let folder = dir.path().join(TARGETS_DIR);
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["snapshot.rs", "log.rs", "README.md"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(targets(dir.path()).unwrap(), ["log", "snapshot"]);
    }

    #[test]
    fn an_unknown_target_is_refused_with_the_known_ones() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(TARGETS_DIR);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("log.rs"), "").unwrap();
        let options = Options { targets: vec!["lag".to_owned()], seconds: 1 };
        let message = run(dir.path(), &options).unwrap_err().to_string();
        assert_eq!(message, "there is no fuzz target `lag`: choose among log");
    }
}

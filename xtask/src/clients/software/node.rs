//! Node.js: the packages of a lock file, from the npm registry.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::{CLIENTS_DIR, Installed, Unready, install_step, manifest, once, told};

/// What the packages need.
const NODE_MAJOR_MIN: u32 = 20;

/// One more attempt, and no long wait for a network that is not there.
const PATIENCE: [&str; 3] =
    ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=15000"];

/// The files that say what is installed.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

/// A folder with the packages, and the scripts copied to them: modules are looked for beside the script.
pub(super) fn prepare(root: &Path, name: &str) -> Result<Installed, Unready> {
    let Some(node) = told("node", &["--version"]) else {
        return Err(Unready::Missing("node is not installed".to_owned()));
    };
    if major(&node).is_none_or(|major| major < NODE_MAJOR_MIN) {
        return Err(Unready::Missing(format!("node is {node}, and {NODE_MAJOR_MIN} is needed")));
    }
    let mut stamp = format!("{node}\n");
    for file in MANIFESTS {
        stamp += &manifest(root, name, file)?;
    }
    let dir = root.join(CLIENTS_DIR).join(name);
    let folder = once(root, name, &stamp, |folder| {
        if told("npm", &["--version"]).is_none() {
            return Err(Unready::Missing("npm is not installed".to_owned()));
        }
        for file in MANIFESTS {
            let copied = std::fs::copy(dir.join(file), folder.join(file));
            copied.with_context(|| format!("{file} cannot be copied"))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).args(PATIENCE);
        install_step("npm", npm.current_dir(folder))
    })?;
    for from in [dir, root.join(CLIENTS_DIR).join("shared")] {
        copy_scripts(&from, &folder)?;
    }
    Ok(Installed {
        interpreter: "node".into(),
        script: Some(folder.join("check.mjs")),
        suffix: Some("mjs"),
        module_path: None,
        folder,
    })
}

fn copy_scripts(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in from.read_dir().with_context(|| format!("{} cannot be read", from.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mjs") {
            let name = path.file_name().context("a script without a name")?;
            std::fs::copy(&path, to.join(name)).context("a script cannot be copied")?;
        }
    }
    Ok(())
}

/// 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }
}

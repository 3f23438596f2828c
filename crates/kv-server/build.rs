//! Tells the program what it is built from: commit, time, compiler, features.
//!
//! Nothing of it is needed to build: without git, as from a tarball, the commit is unknown unless
//! `KV_BUILD_COMMIT` names it. With `SOURCE_DATE_EPOCH` set, equal sources give equal programs. Debug builds tell
//! neither commit nor time, or every commit would compile the crate again.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const UNKNOWN: &str = "unknown";

fn main() {
    for variable in ["KV_BUILD_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let is_debug = variable("PROFILE") == "debug";
    tell("KV_COMMIT", &commit(is_debug));
    tell("KV_BUILT_AT", &built_at(is_debug));
    let rustc = output(&variable("RUSTC"), &["--version"]);
    tell("KV_RUSTC", rustc.as_deref().unwrap_or(UNKNOWN));
    tell("KV_TARGET", &variable("TARGET"));
    tell("KV_PROFILE", &variable("PROFILE"));
    tell("KV_FEATURES", &features());
}

fn tell(name: &str, value: &str) {
    println!("cargo::rustc-env={name}={value}");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The commit that is checked out.
fn commit(is_debug: bool) -> String {
    let given = variable("KV_BUILD_COMMIT");
    if !given.is_empty() {
        return given;
    }
    if is_debug {
        return UNKNOWN.to_owned();
    }
    // A tarball unpacked inside another project's repository is not of that project's commit.
    let Some(commit) = output("git", &["rev-parse", "HEAD:./", "HEAD"]) else {
        return UNKNOWN.to_owned();
    };
    // What changes when another commit is checked out: HEAD, or the branch that it names.
    let own = ["HEAD".to_owned()].into_iter().chain(branch()).filter_map(|file| git_path(&file));
    // Many repositories have packed no refs yet. To cargo a missing file is a changed one: it would build the crate
    // again with every call.
    let packed = git_path("packed-refs").filter(|path| Path::new(path).exists());
    for path in own.chain(packed) {
        println!("cargo::rerun-if-changed={path}");
    }
    commit.lines().last().unwrap_or(UNKNOWN).to_owned()
}

fn git_path(file: &str) -> Option<String> {
    output("git", &["rev-parse", "--git-path", file])
}

fn branch() -> Option<String> {
    output("git", &["symbolic-ref", "--quiet", "HEAD"])
}

/// Seconds since the Unix epoch; empty when not told.
fn built_at(is_debug: bool) -> String {
    let given = variable("SOURCE_DATE_EPOCH");
    if !given.is_empty() || is_debug {
        return given;
    }
    #[expect(clippy::disallowed_methods, reason = "a build has no other clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or_else(|_before_1970| String::new(), |now| now.as_secs().to_string())
}

/// The crate's features that are on, separated by commas.
fn features() -> String {
    const PREFIX: &str = "CARGO_FEATURE_";
    let is_on = |(name, _): (String, String)| Some(name.strip_prefix(PREFIX)?.to_lowercase());
    let mut features: Vec<String> = env::vars().filter_map(is_on).collect();
    features.sort_unstable();
    features.join(",")
}

/// What a command prints, if it succeeds.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

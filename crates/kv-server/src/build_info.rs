//! What the program was built from.

use std::time::{Duration, UNIX_EPOCH};

/// What the program was built from, and which formats it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    /// The release.
    pub version: &'static str,
    /// The commit, or `unknown`.
    pub git_commit: &'static str,
    /// When it was built, as `2026-11-20T21:53:08Z`; `None` when that was not told.
    pub built_at: Option<String>,
    /// The compiler.
    pub rustc: &'static str,
    /// What it was compiled for, as `x86_64-unknown-linux-gnu`.
    pub target: &'static str,
    /// `release` or `debug`.
    pub profile: &'static str,
    /// The features that are on.
    pub features: Vec<&'static str>,
    /// Of each kind of file, the format's version.
    pub formats: Vec<(&'static str, u32)>,
}

impl BuildInfo {
    /// Of this program, which writes files in these formats.
    pub fn new(formats: Vec<(&'static str, u32)>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            git_commit: env!("KV_COMMIT"),
            built_at: built_at(env!("KV_BUILT_AT")),
            rustc: env!("KV_RUSTC"),
            target: env!("KV_TARGET"),
            profile: env!("KV_PROFILE"),
            features: env!("KV_FEATURES").split(',').filter(|name| !name.is_empty()).collect(),
            formats,
        }
    }
}

/// From seconds since the Unix epoch.
fn built_at(seconds: &str) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_tells_what_it_knows() {
        let build = BuildInfo::new(vec![("log", 1)]);
        assert_eq!(build.version, env!("CARGO_PKG_VERSION"));
        assert!(build.rustc.starts_with("rustc 1."), "{build:?}");
        assert!(build.target.contains('-') && !build.git_commit.is_empty(), "{build:?}");
    }

    #[test]
    fn times_are_told_as_people_write_them() {
        assert_eq!(built_at("1790000000").as_deref(), Some("2026-09-21T14:13:20Z"));
        assert_eq!(built_at(""), None);
        assert_eq!(built_at("yesterday"), None);
    }
}

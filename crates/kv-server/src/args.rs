//! The command line.

use std::collections::BTreeMap;
use std::env::ArgsOs;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

use crate::config::{ConfigError, ENV_PREFIX, Sources};

/// The kv server: an in-memory key-value store with TTL, atomic operations and gRPC.
///
/// Without arguments it serves on 127.0.0.1:7380 with its files in ./kv-data.
#[derive(Debug, Parser)]
#[command(name = "kv-server", version, after_long_help = AFTER_HELP, after_help = AFTER_HELP)]
pub struct Args {
    /// Reads the configuration from FILE: TOML, or YAML by its extension
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Keeps the server's files in DIR; the same as `--set data_dir=DIR`
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Sets a configuration key, for example `engine.memory_limit=2GiB`; may be given many times
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub assignments: Vec<String>,

    /// Checks the configuration, prints what is in effect as TOML, and exits
    #[arg(long)]
    pub check_config: bool,
}

const AFTER_HELP: &str = "\
Configuration: defaults < --config FILE < environment (KV__SECTION__KEY) < --set and --data-dir.
`kv-server --check-config` shows every key; deploy/kv.example.toml explains them.

Exit codes:
  0  stopped by SIGTERM or SIGINT, or nothing to serve (--check-config, --help, --version)
  1  could not start or serve, or stopped by a second signal
  2  the command line or the configuration is not valid";

impl Args {
    /// Reads the command line; prints help, version or an error and exits where that is asked for.
    pub fn from_command_line(args: ArgsOs) -> Self {
        Self::parse_from(args)
    }

    /// What the configuration is made from: the command line and the environment given.
    ///
    /// # Errors
    /// [`ConfigError`], for a `--set` that is not an assignment or a variable that is not text.
    pub fn sources(
        &self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Sources, ConfigError> {
        let mut flags = Vec::new();
        for given in &self.assignments {
            let (key, value) = given
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| ConfigError::NotAnAssignment { given: given.clone() })?;
            flags.push((key.trim().to_owned(), value.to_owned(), "--set"));
        }
        if let Some(dir) = &self.data_dir {
            let name = || format!("--data-dir {}", dir.display());
            let dir = dir.to_str().ok_or_else(|| ConfigError::NotText { name: name() })?;
            flags.push(("data_dir".to_owned(), dir.to_owned(), "--data-dir"));
        }
        Ok(Sources { file: self.config.clone(), environment: ours(environment)?, flags })
    }
}

/// The variables that are configuration.
fn ours(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    environment
        .into_iter()
        .filter(|(name, _)| name.as_encoded_bytes().starts_with(ENV_PREFIX.as_bytes()))
        .map(|(name, value)| {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => Ok((name, value)),
                Err(_) => {
                    Err(ConfigError::NotText { name: format!("environment variable {name}") })
                }
            }
        })
        .collect()
}

//! The command line.

use std::collections::BTreeMap;
use std::env::ArgsOs;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, ENV_PREFIX, Sources};

/// The kv server: an in-memory key-value store with TTL, atomic operations and gRPC.
///
/// Without arguments it serves on 127.0.0.1:7380 with its files in ./kv-data.
#[derive(Debug, Parser)]
#[command(name = "kv-server", version, after_long_help = AFTER_HELP, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Args {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

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

/// What the program does when it does not serve.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads every file of a data directory and says what is in it, what is wrong, and what a start would do
    ///
    /// Nothing is changed. One line for each file: `ok`, `-` for a file that nothing needs, or `DAMAGED` with
    /// where and what. The last line says what a start would do. The server must not run meanwhile.
    #[command(after_help = CHECK_HELP)]
    Check {
        /// The data directory
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Makes a damaged data directory usable again, and says exactly what that loses
    ///
    /// Without --cut-after-damage it only says what it would do. It keeps the snapshots and the part of the
    /// log that together reach furthest, and gives up what was written after the first damage behind that.
    /// Originals are kept aside as NAME.damaged. A lost manifest is rebuilt. It can be interrupted and begun
    /// anew. The server must not run meanwhile. Take a copy of the directory first if you can.
    #[command(after_help = REPAIR_HELP)]
    Repair {
        /// The data directory
        #[arg(value_name = "DIR")]
        dir: PathBuf,

        /// Does it: gives up what is damaged and what was written after it
        #[arg(long)]
        cut_after_damage: bool,
    },
    /// Prints a log segment, a snapshot or a manifest as JSON Lines
    ///
    /// Log: one line for each effect; effects with the same `lsn` are one atomic change. Snapshot: one line
    /// for each entry. Manifest: one line. Keys and values that are not UTF-8 are `key_base64` and
    /// `value_base64`. Files that a repair has put aside can be printed too, up to the damage. The server may
    /// run meanwhile.
    #[command(after_help = DUMP_HELP)]
    Dump {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

const CHECK_HELP: &str = "\
Example: kv-server check ./kv-data

Exit codes:
  0  nothing is wrong; a torn tail, which a crash leaves and the next start cuts, is told and fine
  1  something is damaged or missing, or could not be read
  2  the command line is not valid, or DIR is no directory";

const REPAIR_HELP: &str = "\
Example: kv-server repair ./kv-data                      # what would be done, and lost
         kv-server repair ./kv-data --cut-after-damage   # does it

Exit codes:
  0  nothing was to be done, or it was done
  1  something is to be done and --cut-after-damage was not given, or it could not be done
  2  the command line is not valid, or DIR is no directory";

const DUMP_HELP: &str = "\
Example: kv-server dump ./kv-data/snapshot-0000000000000001.kvs | jq -c '{key, value, expires_at_ms}'

Exit codes:
  0  the file was printed
  1  it is damaged or cannot be read; what comes before the damage was printed
  2  the command line is not valid";

const AFTER_HELP: &str = "\
Configuration: defaults < --config FILE < environment (KV__SECTION__KEY) < --set and --data-dir.
`kv-server --check-config` shows every key; deploy/kv.example.toml explains them.

Exit codes:
  0  stopped by SIGTERM or SIGINT, or nothing to serve (--check-config, --help, --version)
  1  could not start or serve, or stopped by a second signal
  2  the command line or the configuration is not valid
`kv-server COMMAND --help` has those of the commands.";

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

//! `snapshot`: writes everything to the server's disk.

use std::time::Duration;

use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use super::duration;
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, plural};
use crate::spinner::Spinner;

/// Write a snapshot of every key to the server's disk
///
/// Returns when the snapshot is on stable storage; the server goes on serving meanwhile. With `--output
/// raw` prints the snapshot's number.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kv-cli snapshot\n  kv-cli snapshot --wait 10m")]
pub(crate) struct Snapshot {
    /// How long it may take, instead of --timeout; the server goes on when that is over
    #[arg(long, default_value = "1h", value_parser = duration, allow_hyphen_values = true)]
    wait: Duration,
}

#[derive(Serialize)]
struct Answer {
    id: u64,
    keys: u64,
    bytes: u64,
    duration_ms: u64,
}

impl Snapshot {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let spinner = Spinner::start("taking a snapshot");
        let outcome = context.client.snapshot().timeout(self.wait).await;
        spinner.end();
        let taken = outcome?;
        let screen = &mut context.screen;
        match screen.output {
            Output::Table => screen.line(format_args!(
                "OK, snapshot {} of {}, {}, in {:.2}s",
                taken.id,
                plural(taken.keys, "key"),
                HumanBytes(taken.bytes),
                taken.duration.as_secs_f64()
            ))?,
            Output::Raw => screen.line(taken.id)?,
            Output::Json => screen.json(&Answer {
                id: taken.id,
                keys: taken.keys,
                bytes: taken.bytes,
                duration_ms: u64::try_from(taken.duration.as_millis()).unwrap_or(u64::MAX),
            })?,
        }
        Ok(())
    }
}

//! `mset`: writes many keys.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use kv_client::op::Set;
use serde::Serialize;

use super::{WriteOptions, duration, level};
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, plural};

/// Write many keys
///
/// Without --atomic each key is written or refused by itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli mset a 1 b 2 c 3
  kv-cli mset from 70 to 30 --atomic       both or none, and nobody sees one without the other")]
pub(crate) struct Mset {
    /// Keys and values in turn; values as in `set`
    #[arg(
        required = true,
        num_args = 2..,
        value_names = ["KEY", "VALUE"],
        allow_negative_numbers = true
    )]
    pairs: Vec<OsString>,
    /// Write all of them at once, or none
    #[arg(long)]
    atomic: bool,
    /// Let the keys end this long from now, for example 10s
    #[arg(long, value_parser = duration, allow_hyphen_values = true)]
    ttl: Option<Duration>,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Serialize)]
struct Answer {
    written: usize,
    durability: Option<String>,
}

impl Mset {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        if self.pairs.iter().skip(1).step_by(2).filter(|value| *value == "-").count() > 1 {
            let problem = "`-` more than once: standard input can be read for one value only";
            return Err(Failure::Usage(problem.to_owned()));
        }
        let mut batch = context.client.batch();
        for pair in self.pairs.chunks(2) {
            let [key, value] = pair else {
                let problem = "a key without a value: mset takes keys and values in turn";
                return Err(Failure::Usage(problem.to_owned()));
            };
            let set = Set::new(context.input.key(key)?, context.input.value(value)?);
            batch.push(match self.ttl {
                Some(ttl) => set.ttl(ttl),
                None => set,
            });
        }
        if self.atomic {
            batch = batch.atomic();
        }
        if let Some(level) = self.write.durability() {
            batch = batch.durability(level);
        }
        let reply = batch.await?;
        let asked = reply.results.len();
        let failures: Vec<_> = reply.results.into_iter().filter_map(Result::err).collect();
        let written = asked - failures.len();
        let keys = plural(u64::try_from(written).unwrap_or(u64::MAX), "key");
        let screen = &mut context.screen;
        let durability = level(reply.achieved);
        match (screen.output, &durability) {
            (Output::Table, Some(level)) => {
                screen.line(format_args!("OK, {keys} written, durability {level}"))?;
            }
            (Output::Table, None) => screen.line(format_args!("OK, {keys} written"))?,
            (Output::Raw, _) => screen.line(written)?,
            (Output::Json, _) => screen.json(&Answer { written, durability })?,
        }
        match failures.first() {
            None => Ok(()),
            Some(error) => {
                let refused = failures.len();
                Err(Failure::Refused(format!("{refused} of {asked} keys refused: {error}")))
            }
        }
    }
}

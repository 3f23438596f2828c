//! `del`: removes keys.

use std::ffi::OsString;

use bytes::Bytes;
use clap::Args;
use kv_client::op::Delete;
use kv_client::{Batch, Client, Error, Reply};
use serde::Serialize;

use super::{WriteOptions, level, some_not_found};
use crate::failure::Failure;
use crate::limits::REQUEST_KEYS_MAX;
use crate::run::Context;
use crate::screen::{Output, Screen};
use crate::text::Text;

/// Remove keys
///
/// Exits with 1 when one of them was not there, or is at another version than --if-version.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kv-cli del greeting\n  kv-cli del a b c\n  kv-cli del lock --if-version 17"
)]
pub(crate) struct Del {
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<OsString>,
    /// Remove the key only if it is at this version
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    deleted: bool,
    version: Option<u64>,
    durability: Option<String>,
}

impl Del {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let keys = context.input.keys(&self.keys)?;
        if self.if_version.is_some() && keys.len() > 1 {
            let problem = "--if-version goes with one key: each key has versions of its own";
            return Err(Failure::Usage(problem.to_owned()));
        }
        let mut deleted = 0;
        for keys in keys.chunks(REQUEST_KEYS_MAX) {
            let results = self.request(&context.client, keys).await?.results;
            for (key, result) in keys.iter().zip(results) {
                let outcome = match result {
                    Ok(Reply::Delete(outcome)) => outcome,
                    Ok(_) => None,
                    Err(error) => return Err(refused(&context.screen, key, error)),
                };
                deleted += usize::from(outcome.is_some());
                let screen = &mut context.screen;
                if screen.output == Output::Json {
                    screen.json(&Answer {
                        key: screen.text(key),
                        deleted: outcome.is_some(),
                        version: outcome.as_ref().map(|deleted| deleted.version.get()),
                        durability: level(outcome.and_then(|deleted| deleted.achieved)),
                    })?;
                }
            }
        }
        match context.screen.output {
            Output::Table if keys.len() == 1 && deleted == 1 => context.screen.line("OK")?,
            Output::Table if keys.len() == 1 => {}
            Output::Table => {
                context.screen.line(format_args!("deleted {deleted} of {} keys", keys.len()))?;
            }
            Output::Raw => context.screen.line(deleted)?,
            Output::Json => {}
        }
        some_not_found(&context.screen, &keys, keys.len() - deleted)
    }

    fn request(&self, client: &Client, keys: &[Bytes]) -> Batch<Client> {
        let mut batch = client.batch();
        if let Some(level) = self.write.durability() {
            batch = batch.durability(level);
        }
        for key in keys {
            let delete = Delete::new(key);
            batch.push(match self.if_version {
                Some(version) => delete.if_version(version),
                None => delete,
            });
        }
        batch
    }
}

fn refused(screen: &Screen, key: &Bytes, error: Error) -> Failure {
    let Error::ConditionFailed { current, .. } = error else { return error.into() };
    let why = match current {
        Some(state) => format!("it is at version {}", state.version),
        None => "it does not exist".to_owned(),
    };
    Failure::NotFound(format!("key \"{}\" not removed: {why}", screen.show(key)))
}

//! `persist`: lets a key live until it is deleted.

use std::ffi::OsString;

use clap::Args;

use super::{WriteOptions, expire};
use crate::failure::Failure;
use crate::run::Context;

/// Remove the expiry of a key
///
/// Exits with 1 when the key does not exist or has no expiry. With `--output raw` prints 1 when there
/// was one, else 0.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kv-cli persist session")]
pub(crate) struct Persist {
    /// The key
    key: OsString,
    #[command(flatten)]
    write: WriteOptions,
}

impl Persist {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let mut request = context.client.persist(&key);
        if let Some(level) = self.write.durability() {
            request = request.durability(level);
        }
        let outcome = request.await?;
        expire::show(&mut context.screen, &key, outcome, |_ttl| {
            "there is no expiry to remove".to_owned()
        })
    }
}

//! `append`: adds bytes to a value.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use super::{WriteOptions, level};
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, plural, ttl_ms};
use crate::text::Text;

/// Add bytes to the end of a value, and print its length
///
/// A key that does not exist counts as empty. The TTL stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kv-cli append log 'one more line'\n  kv-cli append log @part")]
pub(crate) struct Append {
    /// The key
    key: OsString,
    /// What to add; `-` reads standard input, `@file` a file, `@@x` is the text "@x"
    #[arg(allow_hyphen_values = true)]
    value: OsString,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    value_bytes: u64,
    version: u64,
    ttl_ms: Option<u64>,
    durability: Option<String>,
}

impl Append {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let value = context.input.value(&self.value)?;
        let mut request = context.client.append(&key, value);
        if let Some(level) = self.write.durability() {
            request = request.durability(level);
        }
        let now = request.await?;
        let screen = &mut context.screen;
        match screen.output {
            Output::Table => screen.line(plural(now.value_bytes, "byte"))?,
            Output::Raw => screen.line(now.value_bytes)?,
            Output::Json => screen.json(&Answer {
                key: screen.text(&key),
                value_bytes: now.value_bytes,
                version: now.version.get(),
                ttl_ms: ttl_ms(now.ttl),
                durability: level(now.achieved),
            })?,
        }
        Ok(())
    }
}

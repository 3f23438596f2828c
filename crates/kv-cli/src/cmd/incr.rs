//! `incr`: adds to a number.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use super::{WriteOptions, level};
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, ttl_ms};
use crate::text::Text;

/// Add to the number a key holds, and print the sum
///
/// A key that does not exist counts as 0. Numbers are signed 64-bit; what would not fit is refused.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kv-cli incr visits\n  kv-cli incr stock -5")]
pub(crate) struct Incr {
    /// The key
    key: OsString,
    /// What to add; may be negative
    #[arg(default_value_t = 1, allow_negative_numbers = true)]
    delta: i64,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    value: i64,
    version: u64,
    ttl_ms: Option<u64>,
    durability: Option<String>,
}

impl Incr {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let mut request = context.client.increment(&key, self.delta);
        if let Some(level) = self.write.durability() {
            request = request.durability(level);
        }
        let now = request.await?;
        let screen = &mut context.screen;
        match screen.output {
            Output::Table | Output::Raw => screen.line(now.value)?,
            Output::Json => screen.json(&Answer {
                key: screen.text(&key),
                value: now.value,
                version: now.version.get(),
                ttl_ms: ttl_ms(now.ttl),
                durability: level(now.achieved),
            })?,
        }
        Ok(())
    }
}

//! `get`: prints a value.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use super::not_found;
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, ttl_ms};
use crate::text::Text;

/// Print the value of a key
///
/// As a table, unprintable bytes are escaped (\n, \t, \\, \x00) and a newline follows. With
/// `--output raw` the bytes of the value are written and nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli get greeting
  kv-cli get picture --output raw > picture.png
  kv-cli get greeting --output json        with version and TTL")]
pub(crate) struct Get {
    /// The key
    key: OsString,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    found: bool,
    value: Option<Text<'a>>,
    version: Option<u64>,
    ttl_ms: Option<u64>,
}

impl Get {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let entry = context.client.get(&key).await?;
        let screen = &mut context.screen;
        match (screen.output, &entry) {
            (Output::Json, entry) => screen.json(&Answer {
                key: screen.text(&key),
                found: entry.is_some(),
                value: entry.as_ref().map(|entry| screen.text(&entry.value)),
                version: entry.as_ref().map(|entry| entry.version.get()),
                ttl_ms: entry.as_ref().and_then(|entry| ttl_ms(entry.ttl)),
            })?,
            (Output::Table, Some(entry)) => screen.line(screen.show(&entry.value))?,
            (Output::Raw, Some(entry)) => screen.raw(&entry.value)?,
            (Output::Table | Output::Raw, None) => {}
        }
        if entry.is_none() { Err(not_found(screen, &key)) } else { Ok(()) }
    }
}

//! `ttl`: tells how long a key will live.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use super::not_found;
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, show_ttl, ttl_ms};
use crate::text::Text;

/// Tell how long a key will live
///
/// With `--output raw` prints milliseconds, or -1 for a key that lives until it is deleted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kv-cli ttl session\n  kv-cli ttl session -o raw")]
pub(crate) struct Ttl {
    /// The key
    key: OsString,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    found: bool,
    version: Option<u64>,
    ttl_ms: Option<u64>,
}

impl Ttl {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let meta = context.client.exists(&key).await?;
        let screen = &mut context.screen;
        match (screen.output, meta) {
            (Output::Json, meta) => screen.json(&Answer {
                key: screen.text(&key),
                found: meta.is_some(),
                version: meta.map(|meta| meta.version.get()),
                ttl_ms: meta.and_then(|meta| ttl_ms(meta.ttl)),
            })?,
            (_, None) => {}
            (Output::Table, Some(meta)) if meta.ttl.is_none() => screen.line("no expiry")?,
            (Output::Table, Some(meta)) => screen.line(show_ttl(meta.ttl))?,
            (Output::Raw, Some(meta)) => match ttl_ms(meta.ttl) {
                Some(ttl_ms) => screen.line(ttl_ms)?,
                None => screen.line(-1)?,
            },
        }
        if meta.is_none() { Err(not_found(screen, &key)) } else { Ok(()) }
    }
}

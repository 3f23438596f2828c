//! `exists`: tells which keys exist.

use std::ffi::OsString;

use clap::Args;
use kv_client::{Batch, Meta, Reply};
use serde::Serialize;

use super::some_not_found;
use crate::failure::Failure;
use crate::limits::REQUEST_KEYS_MAX;
use crate::run::Context;
use crate::screen::{Output, Screen, show_ttl, ttl_ms};
use crate::table::Table;
use crate::text::Text;

/// Tell which keys exist, with length, version and TTL
///
/// Exits with 1 when one of them does not. With `--output raw` prints 1 or 0 per key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kv-cli exists a b c\n  kv-cli exists lock -o raw")]
pub(crate) struct Exists {
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<OsString>,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    exists: bool,
    value_bytes: Option<u64>,
    version: Option<u64>,
    ttl_ms: Option<u64>,
}

impl Exists {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let keys = context.input.keys(&self.keys)?;
        let mut table = Table::new(["KEY", "BYTES", "VERSION", "TTL"]);
        let mut missing = 0;
        for keys in keys.chunks(REQUEST_KEYS_MAX) {
            let batch = keys.iter().fold(context.client.batch(), Batch::exists);
            for (key, result) in keys.iter().zip(batch.await?.results) {
                let meta = match result? {
                    Reply::Exists(meta) => meta,
                    _ => None,
                };
                missing += usize::from(meta.is_none());
                show(&mut context.screen, &mut table, key, meta)?;
            }
        }
        if context.screen.output == Output::Table && missing < keys.len() {
            table.write(context.screen.out())?;
        }
        some_not_found(&context.screen, &keys, missing)
    }
}

fn show(
    screen: &mut Screen,
    table: &mut Table<4>,
    key: &[u8],
    meta: Option<Meta>,
) -> Result<(), Failure> {
    match (screen.output, meta) {
        (Output::Table, Some(Meta { value_bytes, version, ttl })) => {
            let (bytes, version) = (value_bytes.to_string(), version.to_string());
            table.row([screen.show(key), bytes, version, show_ttl(ttl)]);
        }
        (Output::Table, None) => {
            table.row([screen.show(key), "(not found)".into(), "-".into(), "-".into()]);
        }
        (Output::Raw, meta) => screen.line(u8::from(meta.is_some()))?,
        (Output::Json, meta) => screen.json(&Answer {
            key: screen.text(key),
            exists: meta.is_some(),
            value_bytes: meta.map(|meta| meta.value_bytes),
            version: meta.map(|meta| meta.version.get()),
            ttl_ms: meta.and_then(|meta| ttl_ms(meta.ttl)),
        })?,
    }
    Ok(())
}

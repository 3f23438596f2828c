//! `mget`: prints the values of many keys.

use std::ffi::OsString;

use clap::Args;
use kv_client::Entry;
use serde::Serialize;

use super::some_not_found;
use crate::failure::Failure;
use crate::limits::REQUEST_KEYS_MAX;
use crate::run::Context;
use crate::screen::{Output, Screen, show_ttl, ttl_ms};
use crate::table::Table;
use crate::text::Text;

/// Print the values of many keys
///
/// Exits with 1 when one of them was not found. With `--output raw` each value is followed by a
/// newline, and a missing key is an empty line; use `--output json` where values contain newlines.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kv-cli mget a b c\n  kv-cli mget a b c -o json")]
pub(crate) struct Mget {
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<OsString>,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    found: bool,
    value: Option<Text<'a>>,
    version: Option<u64>,
    ttl_ms: Option<u64>,
}

impl Mget {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let keys = context.input.keys(&self.keys)?;
        let mut table = Table::new(["KEY", "VALUE", "VERSION", "TTL"]);
        let mut missing = 0;
        for keys in keys.chunks(REQUEST_KEYS_MAX) {
            let entries = context.client.batch_get(keys).await?;
            for (key, entry) in keys.iter().zip(entries) {
                missing += usize::from(entry.is_none());
                show(&mut context.screen, &mut table, key, entry.as_ref())?;
            }
        }
        if context.screen.output == Output::Table {
            table.write(context.screen.out())?;
        }
        some_not_found(&context.screen, &keys, missing)
    }
}

fn show(
    screen: &mut Screen,
    table: &mut Table<4>,
    key: &[u8],
    entry: Option<&Entry>,
) -> Result<(), Failure> {
    match (screen.output, entry) {
        (Output::Table, Some(Entry { value, version, ttl })) => {
            table.row([screen.show(key), screen.show(value), version.to_string(), show_ttl(*ttl)]);
        }
        (Output::Table, None) => {
            table.row([screen.show(key), "(not found)".into(), "-".into(), "-".into()]);
        }
        (Output::Raw, entry) => {
            if let Some(entry) = entry {
                screen.raw(&entry.value)?;
            }
            screen.line("")?;
        }
        (Output::Json, entry) => screen.json(&Answer {
            key: screen.text(key),
            found: entry.is_some(),
            value: entry.map(|entry| screen.text(&entry.value)),
            version: entry.map(|entry| entry.version.get()),
            ttl_ms: entry.and_then(|entry| ttl_ms(entry.ttl)),
        })?,
    }
    Ok(())
}

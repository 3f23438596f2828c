//! `scan`: lists keys.

use std::ffi::OsString;

use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;
use kv_client::{Client, Cursor, ScanEntry, ScanPage};
use serde::Serialize;

use crate::failure::Failure;
use crate::hex;
use crate::limits::{PAGE_BYTES_MAX, PAGE_KEYS_MAX};
use crate::run::Context;
use crate::screen::{Output, Screen, notice, show_ttl, ttl_ms};
use crate::table::Table;
use crate::text::Text;

/// List keys, in no particular order
///
/// A key that exists throughout is listed at least once, possibly twice. With --limit, where to go on
/// is told at the end: as "cursor" in the last JSON line, else on standard error. With `--output raw`
/// prints keys, one per line, with --values a tab and the value after each.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli scan
  kv-cli scan --prefix user: --values
  kv-cli scan --limit 100                  the first hundred
  kv-cli scan --limit 100 --cursor 00af..  and the next")]
pub(crate) struct Scan {
    /// Only keys that start with this
    #[arg(long, value_name = "P", default_value = "")]
    prefix: OsString,
    /// List the values too
    #[arg(long)]
    values: bool,
    /// Stop after so many keys
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on where an earlier scan of the same prefix stopped
    #[arg(long, value_name = "C", value_parser = cursor)]
    cursor: Option<Cursor>,
}

fn cursor(digits: &str) -> Result<Cursor, String> {
    hex::decode(digits.as_bytes()).map(Cursor::new)
}

#[derive(Serialize)]
struct Found<'a> {
    key: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Text<'a>>,
    version: u64,
    ttl_ms: Option<u64>,
}

#[derive(Serialize)]
struct More {
    cursor: String,
}

impl Scan {
    pub(crate) async fn run(mut self, context: &mut Context) -> Result<(), Failure> {
        let prefix = context.input.key(&self.prefix)?;
        let mut listing = Listing::new(self.values);
        let screen = &mut context.screen;
        let Some(mut left) = self.limit else {
            let mut pages = self.request(&context.client, &prefix, PAGE_KEYS_MAX).pages();
            while let Some(page) = pages.next().await {
                listing.show(screen, &page?.entries)?;
            }
            return Ok(listing.end(screen)?);
        };
        // Page by page, so that the last cursor is exactly behind the last key listed.
        loop {
            let page_keys = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_KEYS_MAX);
            let request = self.request(&context.client, &prefix, page_keys);
            let ScanPage { entries, cursor } = request.page().await?;
            listing.show(screen, &entries)?;
            left = left.saturating_sub(u64::try_from(entries.len()).unwrap_or(u64::MAX));
            self.cursor = cursor;
            if left == 0 || self.cursor.is_none() {
                break;
            }
        }
        listing.end(screen)?;
        match self.cursor {
            Some(cursor) => Ok(tell_cursor(screen, &cursor)?),
            None => Ok(()),
        }
    }

    fn request(&self, client: &Client, prefix: &Bytes, page_keys: u32) -> kv_client::Scan {
        let mut request = client.scan(prefix).page_keys(page_keys).page_bytes(PAGE_BYTES_MAX);
        if self.values {
            request = request.values();
        }
        match &self.cursor {
            Some(cursor) => request.cursor(cursor.clone()),
            None => request,
        }
    }
}

fn tell_cursor(screen: &mut Screen, cursor: &Cursor) -> std::io::Result<()> {
    let cursor = hex::encode(cursor.as_bytes());
    if screen.output == Output::Json {
        return screen.json(&More { cursor });
    }
    // First the keys, then the word about more of them, also when both go to one terminal.
    screen.flush()?;
    notice(format_args!("there may be more: --cursor {cursor}"));
    Ok(())
}

/// The list as it grows, with or without a column for values.
struct Listing {
    values: bool,
    keys_only: Table<3>,
    with_values: Table<4>,
}

impl Listing {
    fn new(values: bool) -> Self {
        let keys_only = Table::new(["KEY", "VERSION", "TTL"]);
        let with_values = Table::new(["KEY", "VALUE", "VERSION", "TTL"]);
        Self { values, keys_only, with_values }
    }

    fn show(&mut self, screen: &mut Screen, entries: &[ScanEntry]) -> std::io::Result<()> {
        for entry in entries {
            match screen.output {
                Output::Table => self.row(screen, entry),
                Output::Raw => show_raw(screen, entry)?,
                Output::Json => screen.json(&Found {
                    key: screen.text(&entry.key),
                    value: entry.value.as_ref().map(|value| screen.text(value)),
                    version: entry.version.get(),
                    ttl_ms: ttl_ms(entry.ttl),
                })?,
            }
        }
        // An empty page is no reason to write the heading.
        if entries.is_empty() { Ok(()) } else { self.end(screen) }
    }

    fn row(&mut self, screen: &Screen, entry: &ScanEntry) {
        let (key, version) = (screen.show(&entry.key), entry.version.to_string());
        let ttl = show_ttl(entry.ttl);
        match (&entry.value, self.values) {
            (Some(value), true) => self.with_values.row([key, screen.show(value), version, ttl]),
            _ => self.keys_only.row([key, version, ttl]),
        }
    }

    /// Writes what is not yet written; of an empty list the heading.
    fn end(&mut self, screen: &mut Screen) -> std::io::Result<()> {
        match (screen.output, self.values) {
            (Output::Table, true) => self.with_values.write(screen.out()),
            (Output::Table, false) => self.keys_only.write(screen.out()),
            (Output::Json | Output::Raw, _) => Ok(()),
        }
    }
}

fn show_raw(screen: &mut Screen, entry: &ScanEntry) -> std::io::Result<()> {
    screen.raw(&entry.key)?;
    if let Some(value) = &entry.value {
        screen.raw(&Bytes::from_static(b"\t"))?;
        screen.raw(value)?;
    }
    screen.line("")
}

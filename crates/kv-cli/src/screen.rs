//! Where a verb's answer goes, and the form it takes there.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::escape::escape;
use crate::hex;
use crate::text::Text;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people: text and tables, with unprintable bytes escaped
    Table,
    /// For programs: one JSON object per line; bytes that are not UTF-8 as {"base64": "..."}
    Json,
    /// For scripts: the one thing asked for, as it is
    Raw,
}

/// Standard output, and how to write there.
pub(crate) struct Screen {
    /// The form asked for.
    pub(crate) output: Output,
    /// Whether bytes are shown as hex digits.
    hex: bool,
    out: Box<dyn Write + Send>,
}

impl Screen {
    /// Writes to standard output.
    pub(crate) fn stdout(output: Output, hex: bool) -> Self {
        Self { output, hex, out: Box::new(BufWriter::new(io::stdout())) }
    }

    /// Bytes for people.
    pub(crate) fn show(&self, bytes: &[u8]) -> String {
        if self.hex { hex::encode(bytes) } else { escape(bytes) }
    }

    /// Bytes for JSON.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> Text<'a> {
        if self.hex { Text(hex::encode(bytes).into_bytes().into()) } else { Text::new(bytes) }
    }

    /// Bytes as they are, or their digits.
    pub(crate) fn raw(&mut self, bytes: &Bytes) -> io::Result<()> {
        if self.hex {
            return self.out.write_all(hex::encode(bytes).as_bytes());
        }
        self.out.write_all(bytes)
    }

    /// Anything, and a newline.
    pub(crate) fn line(&mut self, what: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{what}")
    }

    /// A JSON object on a line of its own.
    pub(crate) fn json(&mut self, object: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, object)?;
        self.out.write_all(b"\n")
    }

    /// The place to write to.
    pub(crate) fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Makes sure that all of it is out.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Screen");
        debug.field("output", &self.output).field("hex", &self.hex).finish_non_exhaustive()
    }
}

/// A number of things for people.
pub(crate) fn plural(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// A TTL for people.
pub(crate) fn show_ttl(ttl: Option<Duration>) -> String {
    ttl.map_or_else(|| "-".to_owned(), |ttl| humantime::format_duration(ttl).to_string())
}

/// A TTL for JSON.
pub(crate) fn ttl_ms(ttl: Option<Duration>) -> Option<u64> {
    ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
}

/// A line on standard error. There is nobody left to tell when that is gone.
pub(crate) fn notice(what: impl fmt::Display) {
    drop(writeln!(io::stderr(), "{what}"));
}

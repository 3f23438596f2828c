//! `set`: writes a key.

use std::ffi::OsString;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use kv_client::{Client, Error, KeyState, Written, op};
use serde::Serialize;

use super::{WriteOptions, duration, level, unix_time};
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, Screen, show_ttl, ttl_ms};
use crate::text::Text;

/// Write a key
///
/// Exits with 1 when a condition (--nx, --xx, --if-version) does not hold; nothing is written then.
/// With `--output raw` prints the new version, or with --get the value before and nothing else.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own to type")]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli set greeting hello
  kv-cli set session x --ttl 10s
  kv-cli set picture @picture.png
  date | kv-cli set now -
  kv-cli set lock me --nx --ttl 30s
  kv-cli set greeting hi --if-version 17")]
pub(crate) struct Set {
    /// The key
    key: OsString,
    /// The value; `-` reads standard input, `@file` a file, `@@x` is the text "@x"
    #[arg(allow_hyphen_values = true)]
    value: OsString,
    /// Let the key end this long from now, for example 10s
    #[arg(long, value_parser = duration, group = "expiry", allow_hyphen_values = true)]
    ttl: Option<Duration>,
    /// Let the key end at this Unix time in milliseconds
    #[arg(long, value_name = "UNIX_MS", group = "expiry")]
    at: Option<u64>,
    /// Keep the expiry the key has
    #[arg(long, group = "expiry")]
    keep_ttl: bool,
    /// Write only if the key does not exist
    #[arg(long, group = "condition")]
    nx: bool,
    /// Write only if the key exists
    #[arg(long, group = "condition")]
    xx: bool,
    /// Write only if the key is at this version
    #[arg(long, value_name = "N", group = "condition")]
    if_version: Option<u64>,
    /// Print the value the key had before
    #[arg(long)]
    get: bool,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    applied: bool,
    version: Option<u64>,
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Text<'a>>,
    durability: Option<String>,
}

impl Set {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let value = context.input.value(&self.value)?;
        let outcome = self.request(&context.client, &key, value).await;
        match outcome {
            Ok(written) => self.done(&mut context.screen, &key, &written),
            Err(Error::ConditionFailed { current, previous }) => {
                self.not_done(&mut context.screen, &key, current, previous.as_ref())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn request(&self, client: &Client, key: &Bytes, value: Bytes) -> op::Set<Client> {
        let mut request = client.set(key, value);
        request = match (self.ttl, self.at, self.keep_ttl) {
            (Some(ttl), _, _) => request.ttl(ttl),
            (_, Some(at), _) => request.expires_at(unix_time(at)),
            (_, _, true) => request.keep_ttl(),
            (None, None, false) => request,
        };
        request = match (self.nx, self.xx, self.if_version) {
            (true, _, _) => request.if_absent(),
            (_, true, _) => request.if_present(),
            (_, _, Some(version)) => request.if_version(version),
            (false, false, None) => request,
        };
        if self.get {
            request = request.return_previous();
        }
        match self.write.durability() {
            Some(level) => request.durability(level),
            None => request,
        }
    }

    fn done(&self, screen: &mut Screen, key: &Bytes, written: &Written) -> Result<(), Failure> {
        let previous = written.previous.as_ref();
        match screen.output {
            Output::Table => {
                self.show_previous(screen, previous)?;
                screen.line(outcome(written))?;
            }
            Output::Json => screen.json(&Answer {
                key: screen.text(key),
                applied: true,
                version: Some(written.version.get()).filter(|version| *version != 0),
                ttl_ms: ttl_ms(written.ttl),
                previous: previous.map(|value| screen.text(value)),
                durability: level(written.achieved),
            })?,
            Output::Raw if self.get => self.show_previous(screen, previous)?,
            Output::Raw => screen.line(written.version)?,
        }
        Ok(())
    }

    fn not_done(
        &self,
        screen: &mut Screen,
        key: &Bytes,
        current: Option<KeyState>,
        previous: Option<&Bytes>,
    ) -> Result<(), Failure> {
        match screen.output {
            Output::Table | Output::Raw => self.show_previous(screen, previous)?,
            Output::Json => screen.json(&Answer {
                key: screen.text(key),
                applied: false,
                version: current.map(|state| state.version.get()),
                ttl_ms: current.and_then(|state| ttl_ms(state.ttl)),
                previous: previous.map(|value| screen.text(value)),
                durability: None,
            })?,
        }
        let key = screen.show(key);
        let why = match current {
            Some(state) => format!("it exists, at version {}", state.version),
            None => "it does not exist".to_owned(),
        };
        Err(Failure::NotFound(format!("key \"{key}\" not written: {why}")))
    }

    fn show_previous(&self, screen: &mut Screen, previous: Option<&Bytes>) -> Result<(), Failure> {
        match (self.get, screen.output, previous) {
            (true, Output::Raw, Some(value)) => screen.raw(value)?,
            (true, Output::Table, Some(value)) => {
                screen.line(format_args!("before: {}", screen.show(value)))?;
            }
            (true, Output::Table, None) => screen.line("before: (none)")?,
            _ => {}
        }
        Ok(())
    }
}

/// What became of the write, for people.
fn outcome(written: &Written) -> String {
    if written.version.get() == 0 {
        return "OK, and the key has ended: its time is past".to_owned();
    }
    let ttl = written.ttl.map(|ttl| format!(", ends in {}", show_ttl(Some(ttl))));
    let level = level(written.achieved).map(|level| format!(", durability {level}"));
    let (ttl, level) = (ttl.unwrap_or_default(), level.unwrap_or_default());
    format!("OK, version {}{ttl}{level}", written.version)
}

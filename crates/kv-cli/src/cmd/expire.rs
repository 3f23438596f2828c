//! `expire`: lets a key end.

use std::ffi::OsString;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use kv_client::{ExpireRule, Expired};
use serde::Serialize;

use super::{WriteOptions, duration, level, not_found, unix_time};
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, Screen, show_ttl, ttl_ms};
use crate::text::Text;

/// Let a key end
///
/// Exits with 1 when the key does not exist or the rule does not allow the change. With
/// `--output raw` prints 1 when the expiry was changed, else 0.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own to type")]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli expire session 10s
  kv-cli expire session 1h --gt            only if that is later
  kv-cli expire session --at 4102444800000")]
pub(crate) struct Expire {
    /// The key
    key: OsString,
    /// How long from now, for example 10s
    #[arg(value_parser = duration, allow_hyphen_values = true, required_unless_present = "at", conflicts_with = "at")]
    ttl: Option<Duration>,
    /// At this Unix time in milliseconds instead
    #[arg(long, value_name = "UNIX_MS")]
    at: Option<u64>,
    /// Only if the key has no expiry
    #[arg(long, group = "rule")]
    nx: bool,
    /// Only if the key has an expiry
    #[arg(long, group = "rule")]
    xx: bool,
    /// Only if the new expiry is later than the present one
    #[arg(long, group = "rule")]
    gt: bool,
    /// Only if the new expiry is earlier than the present one
    #[arg(long, group = "rule")]
    lt: bool,
    #[command(flatten)]
    write: WriteOptions,
}

impl Expire {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let key = context.input.key(&self.key)?;
        let mut request = match (self.ttl, self.at) {
            (Some(ttl), _) => context.client.expire(&key, ttl),
            (None, at) => context.client.expire_at(&key, unix_time(at.unwrap_or_default())),
        };
        request = request.rule(self.rule());
        if let Some(level) = self.write.durability() {
            request = request.durability(level);
        }
        let outcome = request.await?;
        show(&mut context.screen, &key, outcome, |ttl| {
            format!("the rule does not allow it; its TTL is {ttl}")
        })
    }

    fn rule(&self) -> ExpireRule {
        match (self.nx, self.xx, self.gt, self.lt) {
            (true, ..) => ExpireRule::IfNone,
            (_, true, ..) => ExpireRule::IfAny,
            (_, _, true, _) => ExpireRule::IfLater,
            (.., true) => ExpireRule::IfEarlier,
            (false, false, false, false) => ExpireRule::Always,
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    key: Text<'a>,
    applied: bool,
    version: Option<u64>,
    ttl_ms: Option<u64>,
    durability: Option<String>,
}

/// Shows what became of an `expire` or `persist`; `unmet` says why it was not done although the key
/// exists, given its TTL.
pub(super) fn show(
    screen: &mut Screen,
    key: &Bytes,
    outcome: Expired,
    unmet: impl FnOnce(&str) -> String,
) -> Result<(), Failure> {
    let ttl = outcome.current.and_then(|state| state.ttl);
    match screen.output {
        Output::Table if !outcome.applied => {}
        Output::Table => match ttl {
            Some(_) => screen.line(format_args!("OK, ends in {}", show_ttl(ttl)))?,
            None => screen.line("OK")?,
        },
        Output::Raw => screen.line(u8::from(outcome.applied))?,
        Output::Json => screen.json(&Answer {
            key: screen.text(key),
            applied: outcome.applied,
            version: outcome.current.map(|state| state.version.get()),
            ttl_ms: ttl_ms(ttl),
            durability: level(outcome.achieved),
        })?,
    }
    match (outcome.applied, outcome.current) {
        (true, _) => Ok(()),
        (false, None) => Err(not_found(screen, key)),
        (false, Some(_)) => {
            let (key, ttl) = (screen.show(key), ttl.map_or("none".to_owned(), |_| show_ttl(ttl)));
            Err(Failure::NotFound(format!("key \"{key}\" not changed: {}", unmet(&ttl))))
        }
    }
}

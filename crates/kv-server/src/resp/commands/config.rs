//! `CONFIG`: Redis's names for our settings.

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::config::{Config, FsyncMode};
use crate::resp::failure::Failure;
use crate::resp::request::is;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] =
    &[row("GET", -3, "2.0.0", "Returns the effective values of configuration parameters.")
        .call(get)];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
        .of("CONFIG")
        .flags(Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE))
}

/// Names of Redis and their values here.
const PARAMETERS: &[(&str, fn(&Config) -> String)] = &[
    ("maxmemory", |config| config.engine.memory_limit.get().to_string()),
    ("appendonly", |config| if config.persist.enabled { "yes" } else { "no" }.to_owned()),
    ("appendfsync", |config| {
        match config.persist.fsync {
            FsyncMode::Always => "always",
            FsyncMode::Interval => "everysec",
            FsyncMode::Never => "no",
        }
        .to_owned()
    }),
    ("save", |_config| String::new()),
];

/// `CONFIG GET parameter [parameter ...]`
fn get(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let wanted = |name: &str| request.args_from(2).any(|pattern| is(pattern, name));
    let found: Vec<_> = PARAMETERS.iter().filter(|(name, _)| wanted(name)).collect();
    let config = &call.shared.config;
    let mut reply = call.reply();
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(value(config).as_bytes());
    }
    Ok(())
}

//! `CONFIG`: the settings, under Redis's names and under ours.
//!
//! * `parameters` is the table of both.
//! * `values` translates values between Redis's form and ours.

mod parameters;
mod values;

use std::sync::Arc;

use kv_core::ConfigError;

pub(in crate::resp) use self::values::policy_name;

use self::parameters::{CONNECTIONS_MAX, Parameter, SNAPSHOT_INTERVAL, all};
use super::call::Call;
use super::help::help;
use super::row::{Command, Flags, Group};
use crate::config::Config;
use crate::descriptors::connections_possible;
use crate::resp::answers::Answers;
use crate::resp::failure::Failure;
use crate::resp::glob;
use crate::resp::shared::Shared;
use crate::resp::work;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    row("GET", -3, "2.0.0", "Returns the effective values of configuration parameters.").call(get),
    row("SET", -4, "2.0.0", "Sets configuration parameters in-flight.").call(set),
    row("RESETSTAT", 2, "2.0.0", "Resets the server's statistics.").call(resetstat),
    Command::new(
        "HELP",
        2,
        Group::Server,
        "5.0.0",
        "Returns helpful text about the different subcommands.",
    )
    .of("CONFIG")
    .flags(Flags::LOADING.and(Flags::STALE))
    .call(|call| help(call, HELP)),
];

const HELP: &[&str] = &[
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
        .of("CONFIG")
        .flags(Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE))
}

/// `CONFIG GET parameter [parameter ...]`: patterns, or names, which are told as they were asked for.
fn get(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let parameters = all(call);
    let mut found: Vec<(String, &str)> = Vec::new();
    for pattern in request.args_from(2) {
        let is_pattern = pattern.iter().any(|byte| b"*?[".contains(byte));
        for parameter in &parameters {
            let name = if is_pattern && glob::matches_any_case(pattern, parameter.name.as_bytes()) {
                parameter.name.clone()
            } else if !is_pattern && parameter.is_named(pattern) {
                String::from_utf8_lossy(pattern).into_owned()
            } else {
                continue;
            };
            if found.iter().all(|(known, _value)| *known != name) {
                found.push((name, &parameter.value));
            }
        }
    }
    let mut reply = call.reply();
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    Ok(())
}

/// `CONFIG SET parameter value [parameter value ...]`: all of them, or none.
fn set(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    if request.len() % 2 == 1 {
        return Err(Failure::Syntax);
    }
    let parameters = all(call);
    let mut changes: Vec<Change> = Vec::new();
    let mut args = request.args_from(2);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        let change = Change::of(&parameters, name, value)?;
        if changes.iter().any(|other| other.key == change.key) {
            return Err(refused(name, "duplicate parameter"));
        }
        changes.push(change);
    }
    if let Err(loading) = call.shared.gate.open() {
        return Err(Failure::Loading(loading.percent));
    }
    let shared = Arc::clone(call.shared);
    call.later_timed(work::wait(move || {
        let outcome = shared.change_settings(|config| {
            let mut make = |change: &Change| change.make(config, &shared);
            changes.iter().try_for_each(|change| make(change).map_err(Refusal::Failure))
        });
        outcome.map_err(|refusal| match refusal {
            Refusal::Failure(failure) => failure,
            // The store is told of no other limit.
            Refusal::Store(error) => refused(b"maxmemory", &error.to_string()),
        })?;
        let mut answers = Answers::default();
        answers.ok();
        Ok(answers)
    }));
    Ok(())
}

/// A change of one setting.
struct Change {
    /// As the client calls it.
    name: Vec<u8>,
    /// As the configuration calls it.
    key: &'static str,
    /// As the configuration writes it.
    value: String,
}

impl Change {
    fn of(parameters: &[Parameter], name: &[u8], value: &[u8]) -> Result<Self, Failure> {
        let parameter = parameters.iter().find(|parameter| parameter.is_named(name));
        let parameter = parameter.ok_or_else(|| {
            let before = "ERR Unknown option or number of arguments for CONFIG SET - '";
            Failure::about(before, name, "'")
        })?;
        let (key, read) =
            parameter.change.ok_or_else(|| refused(name, "can't set immutable config"))?;
        let value =
            str::from_utf8(value).map_err(|_not_text| refused(name, "argument must be text"))?;
        let value = read(value).map_err(|complaint| refused(name, &complaint))?;
        Ok(Self { name: name.to_vec(), key, value })
    }

    /// Makes it, unless something speaks against what comes of it.
    fn make(&self, config: &mut Config, shared: &Shared) -> Result<(), Failure> {
        let clients_before = config.limits.connections_max.get();
        let set = config.set(self.key, &self.value).map_err(|error| error.to_string());
        let made = set.and_then(|()| match self.key {
            SNAPSHOT_INTERVAL => can_take_snapshots(config, shared),
            CONNECTIONS_MAX => can_serve(config, clients_before),
            _ => Ok(()),
        });
        made.map_err(|complaint| refused(&self.name, &complaint))
    }
}

/// Snapshots are asked for only where something is kept.
fn can_take_snapshots(config: &Config, shared: &Shared) -> Result<(), String> {
    let is_wanted = config.persist.snapshot_interval.get().is_some();
    if is_wanted && shared.gate.persistence().is_none() {
        return Err("nothing is kept on disk: persist.enabled = false".to_owned());
    }
    Ok(())
}

/// Each client needs an open file; there may always be fewer clients than before.
fn can_serve(config: &Config, clients_before: u64) -> Result<(), String> {
    let (clients, possible) = (config.limits.connections_max.get(), connections_possible());
    if clients > clients_before.max(possible) {
        return Err(format!(
            "The operating system is not able to handle the specified number of clients, try with {possible}"
        ));
    }
    Ok(())
}

/// Why settings are not changed.
enum Refusal {
    Failure(Failure),
    Store(ConfigError),
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::Store(error)
    }
}

#[cold]
fn refused(name: &[u8], complaint: &str) -> Failure {
    let before = "ERR CONFIG SET failed (possibly related to argument '";
    Failure::about(before, name, &format!("') - {complaint}"))
}

/// `CONFIG RESETSTAT`
fn resetstat(call: &mut Call<'_>) -> Result<(), Failure> {
    call.shared.reset_statistics();
    call.ok();
    Ok(())
}

//! The server as a whole.

use super::call::Call;
use super::row::{Command, Flags, Group};
use super::{commands, config};
use crate::promise::Basis;
use crate::resp::failure::Failure;
use crate::resp::request::is;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("COMMAND", -1, "2.8.13", "Returns detailed information about all commands.")
        .flags(Flags::CONNECTION.and(Flags::LOADING).and(Flags::STALE))
        .call(commands::all)
        .container(commands::SUBCOMMANDS),
    row("CONFIG", -2, "2.0.0", "A container for server configuration commands.")
        .container(config::SUBCOMMANDS),
    row("DBSIZE", 1, "1.0.0", "Returns the number of keys in the database.")
        .flags(Flags::KEYSPACE.and(Flags::READONLY).and(Flags::FAST))
        .call(dbsize),
    row("FLUSHALL", -1, "1.0.0", "Removes all keys from all databases.").flags(FLUSHES).call(flush),
    row("FLUSHDB", -1, "1.0.0", "Remove all keys from the current database.")
        .flags(FLUSHES)
        .call(flush),
];

const FLUSHES: Flags = Flags::KEYSPACE.and(Flags::WRITE).and(Flags::DANGEROUS);

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
}

/// `DBSIZE`
fn dbsize(call: &mut Call<'_>) -> Result<(), Failure> {
    let keys = call.store().stats().keys;
    call.reply().integer(i64::try_from(keys).unwrap_or(i64::MAX));
    Ok(())
}

/// `FLUSHALL [ASYNC | SYNC]`
fn flush(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let is_known = match request.len() {
        1 => true,
        2 => is(request.arg(1), "ASYNC") || is(request.arg(1), "SYNC"),
        _ => false,
    };
    if !is_known {
        return Err(Failure::Syntax);
    }
    let (_keys, lsn) = call.store().flush()?;
    call.rest_on(Basis::of_write(lsn));
    call.ok();
    Ok(())
}

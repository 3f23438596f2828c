//! The server as a whole: how much it holds, what time it has, what it is told to drop. Settings, snapshots and
//! figures have files of their own.

use std::sync::Arc;

use super::call::Call;
use super::row::{Command, Flags, Group};
use super::{command, config};
use crate::clock::wall_time;
use crate::promise::Basis;
use crate::resp::answers::Answers;
use crate::resp::failure::Failure;
use crate::resp::request::is;
use crate::resp::work;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("COMMAND", -1, "2.8.13", "Returns detailed information about all commands.")
        .flags(Flags::CONNECTION.and(Flags::LOADING).and(Flags::STALE))
        .call(command::all)
        .container(command::SUBCOMMANDS),
    row("CONFIG", -2, "2.0.0", "A container for server configuration commands.")
        .container(config::SUBCOMMANDS),
    row("DBSIZE", 1, "1.0.0", "Returns the number of keys in the database.")
        .flags(Flags::KEYSPACE.and(Flags::READONLY).and(Flags::FAST))
        .call(dbsize),
    row("TIME", 1, "2.6.0", "Returns the server time.")
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
        .call(time),
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

/// `TIME`
fn time(call: &mut Call<'_>) -> Result<(), Failure> {
    let now = wall_time();
    let mut reply = call.reply();
    reply.array(2);
    reply.bulk(now.as_secs().to_string().as_bytes());
    reply.bulk(now.subsec_micros().to_string().as_bytes());
    Ok(())
}

/// `FLUSHALL [ASYNC | SYNC]`: others may go on before the memory is freed, and this client after.
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
    let shared = Arc::clone(call.shared);
    call.later_timed(work::wait(move || {
        let (_keys, lsn) = shared.gate.store().flush()?;
        let mut answers = Answers::default();
        answers.ok();
        answers.rest_on(0, Basis::of_write(lsn));
        Ok(answers)
    }));
    Ok(())
}

//! Giving what one key holds to another.

use kv_core::{Transfer, TransferOutcome};

use super::call::Call;
use super::row::{Command, Flags, Group, TWO_KEYS};
use crate::metrics::Operation;
use crate::promise::Basis;
use crate::resp::failure::Failure;
use crate::resp::request::is;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("RENAME", 3, "1.0.0", "Renames a key and overwrites the destination.")
        .writes(TWO_KEYS)
        .call(rename),
    row("RENAMENX", 3, "1.0.0", "Renames a key only when the target key name doesn't exist.")
        .writes(TWO_KEYS)
        .fast()
        .call(renamenx),
    row("COPY", -3, "6.2.0", "Copies the value of a key to a new key.").stores(TWO_KEYS).call(copy),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary)
        .flags(Flags::KEYSPACE)
        .counted(Operation::Rename)
}

/// `RENAME key newkey`
fn rename(call: &mut Call<'_>) -> Result<(), Failure> {
    match transfer(call, false, true)? {
        TransferOutcome::SourceAbsent => Err(Failure::NoSuchKey),
        TransferOutcome::Done | TransferOutcome::DestinationExists => {
            call.ok();
            Ok(())
        }
    }
}

/// `RENAMENX key newkey`
fn renamenx(call: &mut Call<'_>) -> Result<(), Failure> {
    let outcome = transfer(call, false, false)?;
    if outcome == TransferOutcome::SourceAbsent {
        return Err(Failure::NoSuchKey);
    }
    call.reply().integer(i64::from(outcome == TransferOutcome::Done));
    Ok(())
}

/// `COPY source destination [DB 0] [REPLACE]`
fn copy(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let mut replace = false;
    let mut args = request.args_from(3);
    while let Some(option) = args.next() {
        if is(option, "REPLACE") {
            replace = true;
        } else if is(option, "DB") && args.len() > 0 {
            Call::check_db(args.next().unwrap_or_default())?;
        } else {
            return Err(Failure::Syntax);
        }
    }
    if request.arg(1) == request.arg(2) {
        return Err(Failure::Text("ERR source and destination objects are the same"));
    }
    let outcome = transfer(call, true, replace)?;
    call.reply().integer(i64::from(outcome == TransferOutcome::Done));
    Ok(())
}

fn transfer(
    call: &mut Call<'_>,
    keep_source: bool,
    replace: bool,
) -> Result<TransferOutcome, Failure> {
    let request = call.request();
    let (from, to) = (request.arg(1), request.arg(2));
    let reply = call.store().transfer(&Transfer { from, to, keep_source, replace })?;
    call.rest_on(match reply.outcome {
        TransferOutcome::Done => Basis::of_write(reply.lsn),
        _ => Basis::of_read(reply.lsn),
    });
    Ok(reply.outcome)
}

//! `WAIT` and `WAITAOF`: until what the connection wrote is safer than its answer said.

use std::time::Duration;

use kv_core::Durability;

use super::call::{After, Call, Wait};
use super::row::{Command, Flags, Group};
use crate::resp::failure::Failure;
use crate::resp::request::Request;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("WAIT", 3, "3.0.0", "Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.")
        .call(wait),
    row("WAITAOF", 4, "7.2.0", "Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas.")
        .call(waitaof),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary)
        .flags(Flags::CONNECTION.and(Flags::BLOCKING))
}

/// `WAIT numreplicas timeout`
fn wait(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let replicas = request.integer(1)?;
    let timeout = timeout(request, 2)?;
    let wait = Wait {
        written: call.client.written,
        log: false,
        replicas: replicas > 0,
        timeout,
        tells_log: false,
    };
    call.then(After::Wait(wait));
    Ok(())
}

/// `WAITAOF numlocal numreplicas timeout`
fn waitaof(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let local = request.integer(1)?;
    if !(0..=1).contains(&local) {
        return Err(Failure::Text("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = request.integer(2)?;
    if replicas < 0 {
        return Err(Failure::NotPositive);
    }
    let timeout = timeout(request, 3)?;
    if local == 1 && call.store().durability_max() < Durability::Fsync {
        return Err(Failure::Text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let wait = Wait {
        written: call.client.written,
        log: local == 1,
        replicas: replicas > 0,
        timeout,
        tells_log: true,
    };
    call.then(After::Wait(wait));
    Ok(())
}

/// Milliseconds, of which none are no limit.
fn timeout(request: Request<'_>, index: usize) -> Result<Option<Duration>, Failure> {
    let millis = request
        .integer(index)
        .map_err(|_not_a_number| Failure::Text("ERR timeout is not an integer or out of range"))?;
    match u64::try_from(millis) {
        Ok(0) => Ok(None),
        Ok(millis) => Ok(Some(Duration::from_millis(millis))),
        Err(_negative) => Err(Failure::Text("ERR timeout is negative")),
    }
}

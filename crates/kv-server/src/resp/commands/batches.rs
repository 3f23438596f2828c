//! Several strings at once, as one: MGET, MSET, MSETNX.

use kv_core::{Action, Condition, Op, SetExpiry};

use super::call::Call;
use super::row::{ALL_KEYS, Command, Group, PAIRS};
use crate::metrics::Operation;
use crate::resp::failure::Failure;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("MGET", -2, "1.0.0", "Atomically returns the string values of one or more keys.")
        .reads(ALL_KEYS)
        .fast()
        .counted(Operation::BatchRead)
        .call(mget),
    row(
        "MSET",
        -3,
        "1.0.1",
        "Atomically creates or modifies the string values of one or more keys.",
    )
    .stores(PAIRS)
    .counted(Operation::BatchWrite)
    .call(mset),
    row(
        "MSETNX",
        -3,
        "1.0.1",
        "Atomically modifies the string values of one or more keys only when all keys don't exist.",
    )
    .stores(PAIRS)
    .counted(Operation::BatchWrite)
    .call(msetnx),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::String, since, summary)
}

/// `MGET key [key ...]`
fn mget(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let ops: Vec<Op<'_>> = request.args_from(1).map(|key| Op::new(key, Action::Get)).collect();
    let replies = call.execute_atomic(&ops)?.unwrap_or_default();
    call.reply().array(replies.len());
    for reply in replies {
        call.value(reply.into_kept_value());
    }
    Ok(())
}

/// `MSET key value [key value ...]`
fn mset(call: &mut Call<'_>) -> Result<(), Failure> {
    let ops = sets(call)?;
    call.execute_atomic(&ops)?;
    call.ok();
    Ok(())
}

/// `MSETNX key value [key value ...]`
fn msetnx(call: &mut Call<'_>) -> Result<(), Failure> {
    // All keys are looked at before any is written: one that is named twice must not be in its own way.
    let request = call.request();
    let absent = |key| Op { key, condition: Condition::IfAbsent, action: Action::Deadline };
    let mut ops: Vec<Op<'_>> = request.args_from(1).step_by(2).map(absent).collect();
    ops.extend(sets(call)?);
    let written = call.execute_atomic(&ops)?.is_some();
    call.reply().integer(i64::from(written));
    Ok(())
}

/// One write per pair of arguments.
fn sets<'a>(call: &Call<'a>) -> Result<Vec<Op<'a>>, Failure> {
    let request = call.request();
    if request.len().is_multiple_of(2) {
        return Err(Failure::Arity(call.command));
    }
    let mut args = request.args_from(1);
    let mut ops = Vec::with_capacity(args.len() / 2);
    while let (Some(key), Some(value)) = (args.next(), args.next()) {
        let action = Action::Set { value, expiry: SetExpiry::Never, return_previous: false };
        ops.push(Op::new(key, action));
    }
    Ok(ops)
}

//! Strings that are numbers: INCR and its kin.

use kv_core::{Action, Extended, Op};

use super::row::{Command, Group, ONE_KEY};
use crate::metrics::Operation;
use crate::resp::failure::Failure;
use crate::resp::plan::{Plan, Shape};
use crate::resp::request::Request;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("INCR", 2, "1.0.0", "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.")
        .plan(|request| increment(request, 1)),
    row("DECR", 2, "1.0.0", "Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.")
        .plan(|request| increment(request, -1)),
    row("INCRBY", 3, "1.0.0", "Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.")
        .plan(|request| increment(request, request.integer(2)?)),
    row("DECRBY", 3, "1.0.0", "Decrements a number from the integer value of a key. Uses 0 as initial value if the key doesn't exist.")
        .plan(decrby),
    row("INCRBYFLOAT", 3, "2.6.0", "Increment the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist.")
        .plan(incrbyfloat),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::String, since, summary)
        .stores(ONE_KEY)
        .fast()
        .counted(Operation::Increment)
}

fn increment(request: Request<'_>, delta: i64) -> Result<Plan<'_>, Failure> {
    let op = Op::new(request.arg(1), Action::Increment { delta });
    Ok(Plan { op, shape: Shape::Number })
}

/// `DECRBY key decrement`
fn decrby(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let delta = request.integer(2)?.checked_neg().ok_or(Failure::DecrementOverflow)?;
    increment(request, delta)
}

/// `INCRBYFLOAT key increment`
fn incrbyfloat(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let delta = Extended::parse(request.arg(2))?;
    let op = Op::new(request.arg(1), Action::IncrementFloat { delta });
    Ok(Plan { op, shape: Shape::Value })
}

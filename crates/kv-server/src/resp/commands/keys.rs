//! Keys whatever they hold: deleting, looking, renaming.

use kv_core::{Action, Op};

use super::call::Call;
use super::row::{ALL_KEYS, Command, Group, ONE_KEY};
use crate::metrics::Operation;
use crate::resp::failure::Failure;
use crate::resp::plan::{Plan, Shape};
use crate::resp::request::Request;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("DEL", -2, "1.0.0", "Deletes one or more keys.")
        .writes(ALL_KEYS)
        .counted(Operation::Delete)
        .each(delete),
    row("UNLINK", -2, "4.0.0", "Asynchronously deletes one or more keys.")
        .writes(ALL_KEYS)
        .fast()
        .counted(Operation::Delete)
        .each(delete),
    row("EXISTS", -2, "1.0.0", "Determines whether one or more keys exist.")
        .reads(ALL_KEYS)
        .fast()
        .counted(Operation::Exists)
        .each(|key| Op::new(key, Action::Deadline)),
    row("TOUCH", -2, "3.2.1", "Returns the number of existing keys out of those specified after updating the time they were last accessed.")
        .reads(ALL_KEYS)
        .fast()
        .counted(Operation::Exists)
        .each(|key| Op::new(key, Action::Exists)),
    row("TYPE", 2, "1.0.0", "Determines the type of value stored at a key.")
        .reads(ONE_KEY)
        .fast()
        .counted(Operation::Inspect)
        .plan(kind),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary).flags(super::row::Flags::KEYSPACE)
}

fn delete(key: &[u8]) -> Op<'_> {
    Op::new(key, Action::Delete { return_previous: false })
}

/// `TYPE key`
fn kind(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    Ok(Plan { op: Op::new(request.arg(1), Action::Deadline), shape: Shape::Type })
}

/// One operation for each of several keys, as one as far as the store allows; the answer is how many were
/// applied.
pub(super) fn each(
    call: &mut Call<'_>,
    operation: for<'a> fn(&'a [u8]) -> Op<'a>,
) -> Result<(), Failure> {
    let request = call.request();
    let mut applied = 0;
    let mut keys = request.args_from(1);
    while keys.len() > 0 {
        let ops: Vec<Op<'_>> =
            keys.by_ref().take(call.shared.batch_ops_max).map(operation).collect();
        let replies = call.execute_atomic(&ops)?.unwrap_or_default();
        applied += replies.iter().filter(|reply| reply.applied).count();
    }
    call.count(applied);
    Ok(())
}

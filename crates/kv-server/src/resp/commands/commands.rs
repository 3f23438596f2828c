//! `COMMAND`: what is in the table.

use super::call::Call;
use super::row::{Command, Flags, Group};
use super::table;
use crate::resp::failure::Failure;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] =
    &[row("COUNT", 2, "2.8.13", "Returns a count of commands.").call(count)];

const fn row(
    name: &'static str,
    arity: i8,
    since: &'static str,
    summary: &'static str,
) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
        .of("COMMAND")
        .flags(Flags::CONNECTION.and(Flags::LOADING).and(Flags::STALE))
}

/// `COMMAND COUNT`
fn count(call: &mut Call<'_>) -> Result<(), Failure> {
    call.count(table::all().count());
    Ok(())
}

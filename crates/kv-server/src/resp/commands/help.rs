//! `HELP`, which every container has.

use super::call::Call;
use crate::resp::failure::Failure;

/// Lists the subcommands of a container, as Redis does: `lines` are all of them but `HELP`.
pub(super) fn help(call: &mut Call<'_>, lines: &[&str]) -> Result<(), Failure> {
    let container = call.command.container.unwrap_or_default();
    let head = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let mut reply = call.reply();
    reply.array(lines.len() + 3);
    reply.simple(&head);
    for line in lines {
        reply.simple(line);
    }
    reply.simple("HELP");
    reply.simple("    Prints this help.");
    Ok(())
}

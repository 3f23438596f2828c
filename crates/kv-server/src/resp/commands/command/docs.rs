//! `COMMAND DOCS`: what commands are for, and what they take.

use super::syntax::syntax;
use super::{Call, Command, Failure, Reply, arguments, resolve_name, table};

/// `COMMAND DOCS [name ...]`: names that are not known are passed over.
pub(super) fn docs(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let commands: Vec<&Command> = if request.len() == 2 {
        table::all().collect()
    } else {
        request.args_from(2).filter_map(resolve_name).collect()
    };
    document(&mut call.reply(), &commands);
    Ok(())
}

/// Commands by their names.
fn document(reply: &mut Reply<'_>, commands: &[&Command]) {
    reply.map(commands.len());
    for command in commands {
        reply.bulk(command.full_name().as_bytes());
        let subcommands: Vec<&Command> = command.subcommands.iter().collect();
        let arguments = arguments::parse(syntax(command));
        let others = [!arguments.is_empty(), !subcommands.is_empty()];
        reply.map(3 + others.iter().filter(|is| **is).count());
        for (name, text) in [
            ("summary", command.summary),
            ("since", command.since),
            ("group", command.group.name()),
        ] {
            reply.bulk(name.as_bytes());
            reply.bulk(text.as_bytes());
        }
        if !arguments.is_empty() {
            reply.bulk(b"arguments");
            arguments::show(reply, &arguments, &mut 0);
        }
        if !subcommands.is_empty() {
            reply.bulk(b"subcommands");
            document(reply, &subcommands);
        }
    }
}

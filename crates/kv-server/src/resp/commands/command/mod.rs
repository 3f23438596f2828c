//! `COMMAND`: what is in the table.
//!
//! * `describe` shows a command as `COMMAND INFO` does, `docs` as `COMMAND DOCS` does.
//! * `syntax` knows what commands take, `arguments` takes that apart.
//! * `page` compares docs/resp.md with the table.
//! * `access` knows what commands do with their keys, `keys` finds those of a whole command.

mod access;
mod arguments;
mod describe;
mod docs;
mod keys;
#[cfg(test)]
mod page;
mod syntax;

use kv_resp::Encoder;

use self::describe::{categories, describe};
use self::docs::docs;
use self::keys::{getkeys, getkeysandflags};
use super::call::Call;
use super::help::help;
use super::row::{Command, Flags, Group};
use super::table::{self, resolve_name};
use crate::resp::failure::Failure;
use crate::resp::glob;
use crate::resp::request::is;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    row("COUNT", 2, "2.8.13", "Returns a count of commands.").call(count),
    row(
        "DOCS",
        -2,
        "7.0.0",
        "Returns documentary information about one, multiple or all commands.",
    )
    .call(docs),
    row("GETKEYS", -3, "2.8.13", "Extracts the key names from an arbitrary command.").call(getkeys),
    row(
        "GETKEYSANDFLAGS",
        -3,
        "7.0.0",
        "Extracts the key names and access flags for an arbitrary command.",
    )
    .call(getkeysandflags),
    row("INFO", -2, "2.8.13", "Returns information about one, multiple or all commands.")
        .call(info),
    row("LIST", -2, "7.0.0", "Returns a list of command names.").call(list),
    row("HELP", 2, "5.0.0", "Returns helpful text about the different subcommands.")
        .call(|call| help(call, HELP)),
];

const HELP: &[&str] = &[
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
        .of("COMMAND")
        .flags(Flags::CONNECTION.and(Flags::LOADING).and(Flags::STALE))
}

type Reply<'a> = Encoder<'a, Vec<u8>>;

/// `COMMAND`
pub(super) fn all(call: &mut Call<'_>) -> Result<(), Failure> {
    let mut reply = call.reply();
    reply.array(table::all().count());
    table::all().for_each(|command| describe(&mut reply, command));
    Ok(())
}

/// `COMMAND COUNT`
fn count(call: &mut Call<'_>) -> Result<(), Failure> {
    call.count(table::all().count());
    Ok(())
}

/// `COMMAND INFO [name ...]`
fn info(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    if request.len() == 2 {
        return all(call);
    }
    let mut reply = call.reply();
    reply.array(request.len() - 2);
    for name in request.args_from(2) {
        match resolve_name(name) {
            Some(command) => describe(&mut reply, command),
            None => reply.null(),
        }
    }
    Ok(())
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`
fn list(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let wanted: &dyn Fn(&Command, &str) -> bool = match request.len() {
        2 => &|_command, _name| true,
        5 if is(request.arg(2), "FILTERBY") => {
            let pattern = request.arg(4);
            if is(request.arg(3), "MODULE") {
                &|_command, _name| false
            } else if is(request.arg(3), "ACLCAT") {
                &move |command, _name| categories(command).any(|category| is(pattern, category))
            } else if is(request.arg(3), "PATTERN") {
                &move |_command, name| glob::matches_any_case(pattern, name.as_bytes())
            } else {
                return Err(Failure::Syntax);
            }
        }
        _ => return Err(Failure::Syntax),
    };
    let named = table::all()
        .flat_map(|command| std::iter::once(command).chain(command.subcommands))
        .map(|command| (command, command.full_name()));
    let found: Vec<_> = named.filter(|(command, name)| wanted(command, name)).collect();
    let mut reply = call.reply();
    reply.array(found.len());
    for (_command, name) in &found {
        reply.bulk(name.as_bytes());
    }
    Ok(())
}

//! `COMMAND`: what is in the table.

use kv_resp::Encoder;

use super::call::Call;
use super::row::{Command, Flags, Group, Keys};
use super::table::{self, resolve_name};
use crate::resp::failure::Failure;
use crate::resp::glob;
use crate::resp::request::is;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    row("COUNT", 2, "2.8.13", "Returns a count of commands.").call(count),
    row("GETKEYS", -3, "2.8.13", "Extracts the key names from an arbitrary command.").call(getkeys),
    row("INFO", -2, "2.8.13", "Returns information about one, multiple or all commands.")
        .call(info),
    row("LIST", -2, "7.0.0", "Returns a list of command names.").call(list),
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
    let names: Vec<_> = named.filter(|(command, name)| wanted(command, name)).collect();
    let mut reply = call.reply();
    reply.array(names.len());
    names.iter().for_each(|(_command, name)| reply.bulk(name.as_bytes()));
    Ok(())
}

/// `COMMAND GETKEYS command [argument ...]`
fn getkeys(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let args: Vec<&[u8]> = request.args_from(2).collect();
    let found = args.first().and_then(|name| table::find(name));
    let command = found.ok_or(Failure::Text("ERR Invalid command specified"))?;
    let sub = args.get(1).and_then(|name| table::subcommand(command, name));
    let command = sub.unwrap_or(command);
    if command.keys == Keys::NONE {
        return Err(Failure::Text("ERR The command has no key arguments"));
    }
    if !command.takes(args.len()) {
        return Err(Failure::Text("ERR Invalid number of arguments specified for command"));
    }
    let keys = keys(command.keys, args.len());
    let mut reply = call.reply();
    reply.array(keys.len());
    keys.for_each(|at| reply.bulk(args.get(at).copied().unwrap_or_default()));
    Ok(())
}

/// Where the keys are among so many arguments.
fn keys(keys: Keys, args: usize) -> impl ExactSizeIterator<Item = usize> {
    let place = |at: i8| usize::from(at.unsigned_abs());
    let end = if keys.last < 0 {
        (args + 1).saturating_sub(place(keys.last))
    } else {
        place(keys.last) + 1
    };
    (place(keys.first)..end).step_by(place(keys.step).max(1))
}

/// One command, as `COMMAND INFO` shows it.
fn describe(reply: &mut Reply<'_>, command: &Command) {
    reply.array(10);
    reply.bulk(command.full_name().as_bytes());
    reply.integer(command.arity.into());
    names(reply, flags(command));
    let Keys { first, last, step } = command.keys;
    [first, last, step].into_iter().for_each(|number| reply.integer(number.into()));
    names(reply, categories(command).map(|category| format!("@{category}")));
    // No tips.
    reply.set(0);
    reply.set(usize::from(command.keys != Keys::NONE));
    if command.keys != Keys::NONE {
        key_specification(reply, command);
    }
    reply.array(command.subcommands.len());
    command.subcommands.iter().for_each(|command| describe(reply, command));
}

fn flags(command: &Command) -> impl Iterator<Item = String> {
    let named = Flags::NAMES.iter().filter(|(flag, _)| command.flags.has(*flag));
    named.map(|(_, name)| (*name).to_owned())
}

/// A set of simple strings.
fn names(reply: &mut Reply<'_>, names: impl Iterator<Item = String>) {
    let names: Vec<String> = names.collect();
    reply.set(names.len());
    names.iter().for_each(|name| reply.simple(name));
}

/// The ACL categories, as Redis derives them.
fn categories(command: &Command) -> impl Iterator<Item = &'static str> {
    let flags = command.flags;
    let is = |flag| flags.has(flag);
    [
        ("keyspace", is(Flags::KEYSPACE)),
        ("read", is(Flags::READONLY)),
        ("write", is(Flags::WRITE)),
        ("string", command.group == Group::String),
        ("admin", is(Flags::ADMIN)),
        ("fast", is(Flags::FAST)),
        ("slow", !is(Flags::FAST)),
        ("blocking", is(Flags::BLOCKING)),
        ("dangerous", is(Flags::DANGEROUS) || is(Flags::ADMIN)),
        ("connection", is(Flags::CONNECTION)),
    ]
    .into_iter()
    .filter_map(|(name, is_in)| is_in.then_some(name))
}

/// Where the keys are, in the long form that Redis 7 has for it.
fn key_specification(reply: &mut Reply<'_>, command: &Command) {
    let Keys { first, last, step } = command.keys;
    let relative = if last < 0 { last } else { last - first };
    reply.map(3);
    reply.bulk(b"flags");
    let access = if command.flags.has(Flags::WRITE) { ["RW", "update"] } else { ["RO", "access"] };
    reply.set(2);
    access.into_iter().for_each(|flag| reply.simple(flag));
    let range = [("lastkey", relative.into()), ("keystep", i64::from(step)), ("limit", 0)];
    for (part, kind, spec) in [
        ("begin_search", "index", &[("index", i64::from(first))][..]),
        ("find_keys", "range", &range[..]),
    ] {
        reply.bulk(part.as_bytes());
        reply.map(2);
        reply.bulk(b"type");
        reply.bulk(kind.as_bytes());
        reply.bulk(b"spec");
        reply.map(spec.len());
        for (name, number) in spec {
            reply.bulk(name.as_bytes());
            reply.integer(*number);
        }
    }
}

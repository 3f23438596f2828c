//! One command, as `COMMAND INFO` shows it.

use super::access::{Specification, specifications};
use super::{Command, Flags, Group, Reply};
use crate::resp::commands::row::Keys;

/// Shows a command.
pub(super) fn describe(reply: &mut Reply<'_>, command: &Command) {
    reply.array(10);
    reply.bulk(command.full_name().as_bytes());
    reply.integer(command.arity.into());
    names(reply, flags(command));
    let Keys { first, last, step } = command.keys;
    for number in [first, last, step] {
        reply.integer(number.into());
    }
    names(reply, categories(command).map(|category| format!("@{category}")));
    // No tips.
    reply.set(0);
    let keys = specifications(command);
    reply.set(keys.len());
    for specification in &keys {
        specify(reply, specification);
    }
    reply.array(command.subcommands.len());
    command.subcommands.iter().for_each(|command| describe(reply, command));
}

/// The flags, by name.
pub(super) fn flags(command: &Command) -> impl Iterator<Item = String> {
    let named = Flags::NAMES.iter().filter(|(flag, _)| command.flags.has(*flag));
    named.map(|(_, name)| (*name).to_owned())
}

/// A set of simple strings.
fn names(reply: &mut Reply<'_>, names: impl Iterator<Item = String>) {
    let names: Vec<String> = names.collect();
    reply.set(names.len());
    for name in &names {
        reply.simple(name);
    }
}

/// The ACL categories, as Redis derives them.
pub(super) fn categories(command: &Command) -> impl Iterator<Item = &'static str> {
    let flags = command.flags;
    let is = |flag| flags.has(flag);
    [
        ("keyspace", is(Flags::KEYSPACE)),
        ("read", is(Flags::READONLY)),
        ("write", is(Flags::WRITE)),
        ("string", command.group == Group::String),
        ("admin", is(Flags::ADMIN) || is(Flags::ADMINISTERS)),
        ("fast", is(Flags::FAST)),
        ("slow", !is(Flags::FAST)),
        ("blocking", is(Flags::BLOCKING)),
        ("dangerous", is(Flags::DANGEROUS) || is(Flags::ADMIN)),
        ("connection", is(Flags::CONNECTION)),
    ]
    .into_iter()
    .filter_map(|(name, is_in)| is_in.then_some(name))
}

/// Where keys are, in the long form that Redis 7 has for it.
fn specify(reply: &mut Reply<'_>, keys: &Specification) {
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(keys.access.len());
    keys.access.iter().for_each(|flag| reply.simple(flag));
    let range = [("lastkey", keys.last.into()), ("keystep", i64::from(keys.step)), ("limit", 0)];
    for (part, kind, spec) in [
        ("begin_search", "index", &[("index", i64::from(keys.first))][..]),
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

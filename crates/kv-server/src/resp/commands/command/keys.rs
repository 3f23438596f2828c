//! `COMMAND GETKEYS` and `COMMAND GETKEYSANDFLAGS`: which arguments of a command are keys.

use super::access::{Access, Specification, decided, specifications};
use super::{Call, Failure, table};
use crate::resp::commands::row::Keys;

/// `COMMAND GETKEYS command [argument ...]`
pub(super) fn getkeys(call: &mut Call<'_>) -> Result<(), Failure> {
    let args: Vec<&[u8]> = call.request().args_from(2).collect();
    let keys = keys(&args)?;
    let mut reply = call.reply();
    reply.array(keys.len());
    for (key, _access) in &keys {
        reply.bulk(key);
    }
    Ok(())
}

/// `COMMAND GETKEYSANDFLAGS command [argument ...]`
pub(super) fn getkeysandflags(call: &mut Call<'_>) -> Result<(), Failure> {
    let args: Vec<&[u8]> = call.request().args_from(2).collect();
    let keys = keys(&args)?;
    let mut reply = call.reply();
    reply.array(keys.len());
    for (key, access) in keys {
        reply.array(2);
        reply.bulk(key);
        reply.set(access.len());
        for flag in access {
            reply.simple(flag);
        }
    }
    Ok(())
}

/// The keys of a command with all its arguments, and what is done with them.
fn keys<'a>(args: &[&'a [u8]]) -> Result<Vec<(&'a [u8], Access)>, Failure> {
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
    let mut keys = Vec::new();
    for specification in specifications(command) {
        let access = decided(specification.access, args);
        let places = places(&specification, args.len());
        keys.extend(places.filter_map(|at| args.get(at)).map(|key| (*key, access)));
    }
    Ok(keys)
}

/// Where keys are among so many arguments.
fn places(keys: &Specification, args: usize) -> impl Iterator<Item = usize> {
    let place = |at: i8| usize::from(at.unsigned_abs());
    let first = place(keys.first);
    let end = if keys.last < 0 {
        (args + 1).saturating_sub(place(keys.last))
    } else {
        first + place(keys.last) + 1
    };
    (first..end).step_by(place(keys.step).max(1))
}

//! What commands do with their keys, in the words of Redis: `RO`, `RW`, `OW` (overwrites without reading) and `RM`
//! (removes), and whether the value is read, changed, made or deleted.

use super::{Command, Flags};
use crate::resp::commands::row::Keys;
use crate::resp::request::is;

/// What is done with a key.
pub(super) type Access = &'static [&'static str];

/// Some keys of a command, and what is done with them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Specification {
    /// The first, where the command's name is at 0.
    pub(super) first: i8,
    /// The last, counted from the first; from the end of the command when negative.
    pub(super) last: i8,
    /// From one to the next.
    pub(super) step: i8,
    pub(super) access: Access,
}

const READS: Access = &["RO", "access"];
const LOOKS: Access = &["RO"];
const CHANGES: Access = &["RW", "update"];
const READS_AND_CHANGES: Access = &["RW", "access", "update"];
const READS_AND_REMOVES: Access = &["RW", "access", "delete"];
const EXTENDS: Access = &["RW", "insert"];
const OVERWRITES: Access = &["OW", "update"];
const MAKES: Access = &["OW", "insert"];
const REMOVES: Access = &["RM", "delete"];

/// It depends: with `GET` it reads.
const SET: Access = &["RW", "access", "update", "variable_flags"];

/// The keys of a command: one after the other all alike, or two that differ.
pub(super) fn specifications(command: &Command) -> Vec<Specification> {
    let Keys { first, last, step } = command.keys;
    if command.keys == Keys::NONE {
        return Vec::new();
    }
    match accesses(command) {
        (access, None) => {
            let last = if last < 0 { last } else { last - first };
            vec![Specification { first, last, step, access }]
        }
        (from, Some(to)) => {
            let one = |first, access| Specification { first, last: 0, step: 1, access };
            vec![one(first, from), one(last, to)]
        }
    }
}

/// What is done with the keys of a command, or with the first and the second.
fn accesses(command: &Command) -> (Access, Option<Access>) {
    let access = match (command.container, command.name) {
        (None, "COPY") => return (READS, Some(OVERWRITES)),
        (None, "RENAME") => return (READS_AND_REMOVES, Some(OVERWRITES)),
        (None, "RENAMENX") => return (READS_AND_REMOVES, Some(MAKES)),
        (Some("OBJECT" | "MEMORY"), _) | (None, "EXISTS" | "STRLEN" | "TOUCH" | "TYPE") => LOOKS,
        (None, "SET") => SET,
        (None, "SETEX" | "PSETEX" | "MSET" | "RESTORE") => OVERWRITES,
        (None, "SETNX" | "MSETNX") => MAKES,
        (None, "APPEND") => EXTENDS,
        (None, "DEL" | "UNLINK") => REMOVES,
        (None, "GETDEL") => READS_AND_REMOVES,
        (None, "GETSET" | "GETEX" | "INCR" | "INCRBY" | "INCRBYFLOAT" | "DECR" | "DECRBY") => {
            READS_AND_CHANGES
        }
        _ if command.flags.has(Flags::WRITE) => CHANGES,
        _ => READS,
    };
    (access, None)
}

/// What a whole command does with keys that may be used in different ways.
pub(super) fn decided(access: Access, args: &[&[u8]]) -> Access {
    if access != SET {
        return access;
    }
    let reads = args.iter().skip(3).any(|arg| is(arg, "GET"));
    if reads { READS_AND_CHANGES } else { OVERWRITES }
}

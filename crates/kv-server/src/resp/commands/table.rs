//! The one table of commands, and finding a row of it by the name a client has sent.

use std::sync::LazyLock;

use super::row::Command;
use super::{
    batches, connection, dump, expiry, info, keys, lcs, memory, numbers, object, rename, saving,
    scan, server, shutdown, slow_log, strings, wait,
};
use crate::resp::failure::Failure;
use crate::resp::request::Request;

/// Every command, by family. A new family is added here.
pub(crate) static FAMILIES: [&[Command]; 18] = [
    strings::COMMANDS,
    numbers::COMMANDS,
    batches::COMMANDS,
    keys::COMMANDS,
    expiry::COMMANDS,
    dump::COMMANDS,
    lcs::COMMANDS,
    rename::COMMANDS,
    scan::COMMANDS,
    wait::COMMANDS,
    connection::COMMANDS,
    object::COMMANDS,
    server::COMMANDS,
    info::COMMANDS,
    memory::COMMANDS,
    saving::COMMANDS,
    slow_log::COMMANDS,
    shutdown::COMMANDS,
];

/// Every command, containers and not their subcommands.
pub(crate) fn all() -> impl Iterator<Item = &'static Command> {
    FAMILIES.iter().copied().flatten()
}

/// Every command, subcommands too, each at its number.
pub(crate) fn numbered() -> &'static [&'static Command] {
    static NUMBERED: LazyLock<Vec<&Command>> = LazyLock::new(|| {
        let with_subcommands =
            |command: &'static Command| std::iter::once(command).chain(command.subcommands);
        let mut commands: Vec<_> = all().flat_map(with_subcommands).collect();
        commands.sort_unstable_by_key(|command| place(command));
        commands
    });
    &NUMBERED
}

impl Command {
    /// The number of this row of the table.
    pub(crate) fn number(&'static self) -> Option<usize> {
        numbered().binary_search_by_key(&place(self), |command| place(command)).ok()
    }
}

/// Where a row is: what tells it from others fastest.
fn place(command: &'static Command) -> usize {
    std::ptr::from_ref(command).addr()
}

/// The command of this name, in any case.
pub(crate) fn find(name: &[u8]) -> Option<&'static Command> {
    let name = Name::pack(name)?;
    let mut slot = name.home();
    loop {
        let (packed, command) = INDEX.get(slot)?.as_ref()?;
        if packed.is(name) {
            return Some(command);
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// The subcommand of this name, in any case.
pub(super) fn subcommand(command: &'static Command, name: &[u8]) -> Option<&'static Command> {
    command.subcommands.iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(name))
}

/// The command or, behind `|`, subcommand of this name, as `COMMAND` writes it.
pub(super) fn resolve_name(name: &[u8]) -> Option<&'static Command> {
    let mut parts = name.splitn(2, |byte| *byte == b'|');
    let command = find(parts.next()?)?;
    match parts.next() {
        Some(name) => subcommand(command, name),
        None => Some(command),
    }
}

/// The command that a request asks for: found, of the right subcommand, with enough arguments.
pub(crate) fn resolve(request: Request<'_>) -> Result<&'static Command, Failure> {
    let command = find(request.name()).ok_or_else(|| Failure::unknown_command(request))?;
    let command = match request.args_from(1).next() {
        Some(name) if !command.subcommands.is_empty() => subcommand(command, name)
            .ok_or_else(|| Failure::unknown_subcommand(command.name, name))?,
        _ => command,
    };
    if command.takes(request.len()) { Ok(command) } else { Err(Failure::Arity(command)) }
}

/// Slots of the index: a power of two, several times as many as commands, so that most are found at once.
const SLOTS: usize = 512;

/// The commands by the hash of their names; one whose slot is taken is in the next free one.
static INDEX: [Option<(Name, &Command)>; SLOTS] = index();

#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it is run by the compiler, to which a panic is an error"
)]
const fn index() -> [Option<(Name, &'static Command)>; SLOTS] {
    let mut index = [None; SLOTS];
    let mut family = 0;
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            let command = &FAMILIES[family][row];
            let Some(name) = Name::pack(command.name.as_bytes()) else {
                panic!("a command's name has 1 to 15 letters");
            };
            let mut slot = name.home();
            while index[slot].is_some() {
                slot = (slot + 1) % SLOTS;
            }
            index[slot] = Some((name, command));
            row += 1;
        }
        family += 1;
    }
    index
}

/// A name without regard to case, in two words: compared and hashed in a few instructions.
///
/// Clearing bit 5 makes letters capital, and makes no letter of what is none: two names are the same here
/// only if they have the same letters, because every name of the table has nothing but letters.
#[derive(Debug, Clone, Copy)]
struct Name {
    head: u64,
    tail: u64,
    len: usize,
}

/// Bit 5 of every byte.
const CASE: u64 = 0x2020_2020_2020_2020;

impl Name {
    /// Packs a name of 1 to 16 bytes. Its ends may overlap.
    const fn pack(name: &[u8]) -> Option<Self> {
        let len = name.len();
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) if len <= 16 => {
                (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
            }
            (Some(_), _) => return None,
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(head), Some(tail)) => {
                    (u32::from_le_bytes(*head) as u64, u32::from_le_bytes(*tail) as u64)
                }
                _ => match name {
                    [one] => (*one as u64, 0),
                    [one, two] => (*one as u64, *two as u64),
                    [one, two, three] => (*one as u64, (*two as u64) << 8 | *three as u64),
                    _ => return None,
                },
            },
        };
        Some(Self { head: head & !CASE, tail: tail & !CASE, len })
    }

    const fn is(&self, other: Self) -> bool {
        self.head == other.head && self.tail == other.tail && self.len == other.len
    }

    /// Where the search for it begins.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only as many bits as there are slots are left"
    )]
    const fn home(self) -> usize {
        /// Any odd number with many bits spreads the names.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.head ^ self.tail.rotate_left(29) ^ self.len as u64).wrapping_mul(SPREAD);
        (mixed >> (u64::BITS - SLOTS.trailing_zeros())) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_in_any_case_and_nothing_else_is() {
        for command in all() {
            let name = command.name.as_bytes();
            assert!(name.iter().all(u8::is_ascii_uppercase), "{}", command.name);
            let small = name.to_ascii_lowercase();
            for sent in [name, &small] {
                assert!(std::ptr::eq(find(sent).unwrap(), command), "{}", command.name);
            }
            for at in 0..name.len() {
                for byte in 0..=u8::MAX {
                    let mut other = name.to_vec();
                    other[at] = byte;
                    let found = find(&other).map(|found| found.name.as_bytes());
                    let expected = other.to_ascii_uppercase();
                    assert!(found.is_none_or(|found| found == expected), "{other:?}");
                }
            }
            assert!(find(&[name, b"\0"].concat()).is_none());
            assert!(find(&[name, b" "].concat()).is_none());
        }
        for unknown in [&b""[..], b"\0", b"GE", b"GETT", b"LPUSH", &[b'A'; 16], &[b'A'; 17]] {
            assert!(find(unknown).is_none(), "{unknown:?}");
        }
    }

    #[test]
    fn names_are_given_once_and_rows_hold_together() {
        let mut names: Vec<_> = all().map(|command| command.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "a name is given twice");
        for command in all() {
            assert!(command.arity != 0 && !command.summary.is_empty(), "{}", command.name);
            let keys = command.keys;
            assert_eq!(keys.first == 0, keys.step == 0, "{}", command.name);
            for sub in command.subcommands {
                assert_eq!(sub.container, Some(command.name), "{}", sub.name);
            }
        }
    }
}

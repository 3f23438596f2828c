//! `OBJECT`: how a value is kept.

use kv_core::KeyInfo;

use super::call::Call;
use super::help::help;
use super::row::{Command, Flags, Group, Keys};
use crate::metrics::Operation;
use crate::promise::Basis;
use crate::resp::failure::Failure;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[Command::new(
    "OBJECT",
    -2,
    Group::Generic,
    "2.2.3",
    "A container for object introspection commands.",
)
.container(SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    row("ENCODING", "2.2.3", "Returns the internal encoding of a Redis object.").call(encoding),
    row("FREQ", "4.0.0", "Returns the logarithmic access frequency counter of a Redis object.")
        .call(freq),
    row("IDLETIME", "2.2.3", "Returns the time since the last access to a Redis object.")
        .call(idletime),
    row("REFCOUNT", "2.2.3", "Returns the reference count of a value of a key.").call(refcount),
    Command::new(
        "HELP",
        2,
        Group::Generic,
        "6.2.0",
        "Returns helpful text about the different subcommands.",
    )
    .of("OBJECT")
    .flags(Flags::LOADING.and(Flags::STALE).and(Flags::KEYSPACE))
    .call(|call| help(call, HELP)),
];

const HELP: &[&str] = &[
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return 0: this server does not keep when a key was last accessed.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
];

/// The third argument.
pub(super) const THIRD_KEY: Keys = Keys { first: 2, last: 2, step: 1 };

/// Up to this length Redis keeps a text and what it knows of it in one piece.
const EMBEDDED_BYTES_MAX: u64 = 44;

const fn row(name: &'static str, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, 3, Group::Generic, since, summary)
        .of("OBJECT")
        .flags(Flags::KEYSPACE)
        .reads(THIRD_KEY)
        .counted(Operation::Inspect)
}

/// Answers with what `tell` says of the key, or nothing when there is none.
fn inspect(
    call: &mut Call<'_>,
    tell: fn(&mut Call<'_>, KeyInfo) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if let Some(info) = call.store().inspect(call.request().arg(2)) {
        call.rest_on(Basis::of_read(info.lsn));
        tell(call, info)
    } else {
        call.reply().null();
        Ok(())
    }
}

/// `OBJECT ENCODING key`: what Redis would say of a value that was written at once.
fn encoding(call: &mut Call<'_>) -> Result<(), Failure> {
    inspect(call, |call, info| {
        let encoding: &[u8] = match info {
            KeyInfo { is_integer: true, .. } => b"int",
            KeyInfo { value_bytes: ..=EMBEDDED_BYTES_MAX, .. } => b"embstr",
            _ => b"raw",
        };
        call.reply().bulk(encoding);
        Ok(())
    })
}

/// `OBJECT FREQ key`
fn freq(call: &mut Call<'_>) -> Result<(), Failure> {
    inspect(call, |call, info| {
        let frequency = info.frequency.ok_or(Failure::Text(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that \
             when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ))?;
        call.reply().integer(frequency.into());
        Ok(())
    })
}

/// `OBJECT IDLETIME key`: nobody keeps it.
fn idletime(call: &mut Call<'_>) -> Result<(), Failure> {
    inspect(call, |call, _info| {
        call.reply().integer(0);
        Ok(())
    })
}

/// `OBJECT REFCOUNT key`: no two keys share a value.
fn refcount(call: &mut Call<'_>) -> Result<(), Failure> {
    inspect(call, |call, _info| {
        call.reply().integer(1);
        Ok(())
    })
}

//! Commands on the connection.

use super::super::step::{Args, args};
use super::Make;
use super::values::Random;

pub(super) const COMMANDS: [(u32, Make); 11] = [
    (4, |_| args([b"PING"])),
    (3, |random| args([b"PING", &random.value()])),
    (4, |random| args([b"ECHO", &random.value()])),
    (3, |random| {
        args([b"SELECT", &random.word(&["0", "0", "1", "-1", "16", "x", "", "4294967296"])])
    }),
    (6, hello),
    (2, |random| args([b"AUTH", &random.value()])),
    (2, |random| args([b"AUTH", &random.word(&["default", "nosuch"]), &random.value()])),
    (2, |_| args([b"RESET"])),
    (1, |_| args([b"QUIT"])),
    (10, client),
    (6, command),
];

/// One option at most: what counts of several is not the same in all versions of Redis.
fn hello(random: &mut Random) -> Args {
    let mut command = args([b"HELLO", &random.word(&["2", "2", "3", "3", "1", "4", "x", ""])]);
    match random.below(8) {
        0 => return args([b"HELLO"]),
        1..3 => command.extend(args([b"SETNAME", &name(random)])),
        3 => command.extend(args([b"AUTH", b"default", &random.value()])),
        4 => command.extend(args([b"AUTH", b"nosuch", &random.value()])),
        5 => command.push(random.any_word()),
        _ => {}
    }
    command
}

/// Names of connections must not have spaces or special characters.
fn name(random: &mut Random) -> Vec<u8> {
    random.word(&["", "name", "a-b:c", "with space", "line\nend", "caf\u{e9}", "~", "!"])
}

fn client(random: &mut Random) -> Args {
    match random.below(14) {
        0 => args([b"CLIENT", b"ID"]),
        1..4 => args([b"CLIENT", b"GETNAME"]),
        4..7 => args([b"CLIENT", b"SETNAME", &name(random)]),
        7 => args([b"CLIENT", b"INFO"]),
        8 => args([b"CLIENT", b"LIST"]),
        9 => args([b"CLIENT", b"NO-EVICT", &random.word(&["ON", "OFF", "off", "x"])]),
        10 => kill(random),
        11 => args([
            b"CLIENT",
            b"SETINFO",
            &random.word(&["LIB-NAME", "LIB-VER", "x"]),
            &name(random),
        ]),
        12 => args([b"CLIENT", b"NO-TOUCH", &random.word(&["ON", "OFF", "x"])]),
        _ => args([b"CLIENT", &random.word(&["NOSUCH", "", "id"]), &random.any_word()]),
    }
}

/// Nobody is ever killed.
fn kill(random: &mut Random) -> Args {
    match random.below(8) {
        0 => args([b"CLIENT", b"KILL"]),
        1 => args([b"CLIENT", b"KILL", b"127.0.0.1:1"]),
        2 => args([b"CLIENT", b"KILL", b"ADDR", b"127.0.0.1:1"]),
        3 => args([b"CLIENT", b"KILL", b"ID", &random.word(&["999999999", "0", "-1", "x"])]),
        4 => args([b"CLIENT", b"KILL", b"TYPE", &random.word(&["pubsub", "replica", "x"])]),
        5 => args([b"CLIENT", b"KILL", b"NOSUCH", b"1"]),
        6 => args([
            b"CLIENT",
            b"KILL",
            b"ADDR",
            b"127.0.0.1:1",
            b"SKIPME",
            &random.word(&["yes", "no", "x"]),
        ]),
        _ => args([b"CLIENT", b"KILL", b"USER", &random.word(&["nosuch", ""])]),
    }
}

/// Commands of which some are not answered. They change no key: nobody would notice a difference at once.
pub(super) fn silent(random: &mut Random) -> Vec<Args> {
    let mode = random.word(&["ON", "OFF", "SKIP", "on", "skip", "x"]);
    let mut commands = vec![args([b"PING"]), args([b"CLIENT", b"REPLY", &mode])];
    for _ in 0..random.below(5) {
        commands.push(match random.below(8) {
            0 => args([b"CLIENT", b"REPLY", &random.word(&["ON", "OFF", "SKIP", "x"])]),
            1 => args([b"GET", &random.key()]),
            2 => args([b"MGET", &random.key(), &random.key()]),
            3 => args([b"NOSUCH"]),
            4 => args([b"WAIT", b"0", b"1"]),
            5 => args([b"HELLO", b"3"]),
            6 => args([b"GET"]),
            _ => args([b"ECHO", &random.value()]),
        });
    }
    commands
}

/// Names of commands that both servers have, and of one that neither has.
const NAMES: [&str; 12] = [
    "get",
    "SET",
    "mget",
    "MSET",
    "del",
    "incrby",
    "expire",
    "client|id",
    "config|get",
    "object|encoding",
    "ping",
    "nosuch",
];

fn command(random: &mut Random) -> Args {
    match random.below(6) {
        0 => args([b"COMMAND", b"COUNT"]),
        1..3 => args([b"COMMAND", b"INFO", &random.word(&NAMES), &random.word(&NAMES)]),
        3 => args([b"COMMAND", b"DOCS", &random.word(&NAMES)]),
        4 => getkeys(random),
        _ => args([b"COMMAND", &random.word(&["NOSUCH", "LIST", ""])]),
    }
}

fn getkeys(random: &mut Random) -> Args {
    let of = match random.below(6) {
        0 => args([b"GET", &random.key()]),
        1 => args([b"MSET", &random.key(), b"v", &random.key(), b"v"]),
        2 => args([b"DEL", &random.key(), &random.key(), &random.key()]),
        3 => args([b"LCS", &random.key(), &random.key(), b"LEN"]),
        4 => args([b"PING"]),
        _ => vec![random.any_word(), random.any_word()],
    };
    [args([b"COMMAND", b"GETKEYS"]), of].concat()
}

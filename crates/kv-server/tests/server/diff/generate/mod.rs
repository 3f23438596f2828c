//! Random sessions: the same for the same seed, whatever is compared.

mod connection;
mod expiry;
mod keys;
mod raw;
mod server;
mod strings;
mod values;

use super::step::{Args, CONNECTIONS, Step};
use values::Random;

/// How a command is made.
type Make = fn(&mut Random) -> Args;

/// Families of commands, and how often each is chosen.
const FAMILIES: [(u32, &[(u32, Make)]); 5] = [
    (48, &strings::COMMANDS),
    (20, &keys::COMMANDS),
    (22, &expiry::COMMANDS),
    (6, &connection::COMMANDS),
    (4, &server::COMMANDS),
];

/// Commands that the server does not know yet.
const PENDING: &[&str] = &["COMMAND DOCS"];

/// Most commands in one pipeline.
const PIPELINE_MAX: usize = 40;

/// A session of about so many commands.
pub(super) fn session(seed: u64, commands: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    let (mut steps, mut made) = (Vec::new(), 0);
    while made < commands {
        let step = step(&mut random);
        made += match &step {
            Step::Pipeline { commands, .. } => commands.len(),
            _ => 1,
        };
        steps.push(step);
    }
    steps
}

fn step(random: &mut Random) -> Step {
    let connection = random.below(CONNECTIONS);
    match random.below(100) {
        0..2 => Step::Raw(raw::bytes(random)),
        2..5 if !PENDING.contains(&"SCAN") => {
            Step::Scan { connection, options: keys::scan_options(random) }
        }
        5..7 if !PENDING.contains(&"DUMP") => {
            let (from, to, ttl) = (random.key(), random.key(), expiry::milliseconds(random));
            Step::Restore { connection, from, to, ttl, options: keys::restore_options(random) }
        }
        7..9 => Step::Pipeline { connection, commands: connection::silent(random) },
        _ => Step::Pipeline { connection, commands: pipeline(random) },
    }
}

/// Commands up to one that ends the connection.
fn pipeline(random: &mut Random) -> Vec<Args> {
    let count = match random.below(10) {
        0..5 => 1,
        5..9 => 1 + random.below(8),
        _ => 1 + random.below(PIPELINE_MAX),
    };
    let mut commands = Vec::new();
    while commands.len() < count {
        let command = command(random);
        let ends = command.first().is_some_and(|name| name.eq_ignore_ascii_case(b"QUIT"));
        commands.push(command);
        if ends {
            break;
        }
    }
    commands
}

/// A command, most often a right one.
fn command(random: &mut Random) -> Args {
    loop {
        let command = any_command(random);
        let text = command
            .iter()
            .take(2)
            .map(|arg| String::from_utf8_lossy(arg).to_uppercase())
            .collect::<Vec<_>>()
            .join(" ")
            + " ";
        if !PENDING.iter().any(|name| text.starts_with(&format!("{name} "))) {
            return command;
        }
    }
}

fn any_command(random: &mut Random) -> Args {
    let (_, makes) = *random.weighted(&FAMILIES);
    let (_, make) = *random.weighted(makes);
    let mut command = make(random);
    if random.chance(1, 25) {
        spoil(random, &mut command);
    }
    if random.chance(1, 10)
        && let Some(name) = command.first_mut()
    {
        random.change_case(name);
    }
    command
}

fn may_expire(command: &Args) -> bool {
    const EXPIRING: [&[u8]; 9] = [
        b"SET",
        b"SETEX",
        b"PSETEX",
        b"GETEX",
        b"EXPIRE",
        b"PEXPIRE",
        b"EXPIREAT",
        b"PEXPIREAT",
        b"RESTORE",
    ];
    command.first().is_some_and(|name| EXPIRING.contains(&name.as_slice()))
}

/// Gives a command too few arguments, too many, or others. What would end or fill a server, or wait for ever, is
/// left alone.
fn spoil(random: &mut Random, command: &mut Args) {
    const DANGEROUS: [&[u8]; 6] =
        [b"SHUTDOWN", b"CONFIG", b"CLIENT", b"HELLO", b"WAIT", b"WAITAOF"];
    if command.first().is_some_and(|name| DANGEROUS.contains(&name.as_slice())) {
        return;
    }
    match random.below(4) {
        0 if command.len() > 1 => drop(command.pop()),
        // Never by a time: a key that ends soon may be there for one server and not for the other.
        1 if command.len() > 1 && !may_expire(command) => {
            let at = 1 + random.below(command.len() - 1);
            if let Some(arg) = command.get_mut(at) {
                *arg = random.any_word();
            }
        }
        2 => {
            let at = 1 + random.below(command.len());
            command.insert(at, random.any_word());
        }
        _ => command.push(random.any_word()),
    }
}

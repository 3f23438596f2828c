//! `SLOWLOG`: what took long lately.

use kv_resp::Encoder;

use super::call::Call;
use super::help::help;
use super::row::{Command, Flags, Group};
use crate::resp::failure::Failure;
use crate::resp::request::integer;
use crate::resp::slow_log::Entry;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] =
    &[Command::new("SLOWLOG", -2, Group::Server, "2.2.12", "A container for slow log commands.")
        .container(SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    row("GET", -2, "2.2.12", "Returns the slow log's entries.").flags(ADMIN).call(get),
    row("LEN", 2, "2.2.12", "Returns the number of entries in the slow log.")
        .flags(ADMIN)
        .call(len),
    row("RESET", 2, "2.2.12", "Clears all entries from the slow log.").flags(ADMIN).call(reset),
    row("HELP", 2, "6.2.0", "Show helpful text about the different subcommands")
        .call(|call| help(call, HELP)),
];

const ADMIN: Flags = Flags::ADMIN;

const HELP: &[&str] = &[
    "GET [<count>]",
    "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
    "    Entries are made of:",
    "    id, timestamp, time in microseconds, arguments array, client IP and port,",
    "    client name",
    "LEN",
    "    Return the length of the slowlog.",
    "RESET",
    "    Reset the slowlog.",
];

/// Entries that are told when the client does not say how many.
const COUNT: usize = 10;

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary)
        .of("SLOWLOG")
        .flags(Flags::LOADING.and(Flags::STALE))
}

/// `SLOWLOG GET [count]`
fn get(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let count = match request.len() {
        2 => COUNT,
        3 => match integer(request.arg(2)) {
            Ok(-1) => usize::MAX,
            Ok(count @ 0..) => usize::try_from(count).unwrap_or(usize::MAX),
            _ => {
                return Err(Failure::Text("ERR count should be greater than or equal to -1"));
            }
        },
        _ => {
            return Err(Failure::Text(
                "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
            ));
        }
    };
    let entries = call.shared.slow_log.newest(count);
    let mut reply = call.reply();
    reply.array(entries.len());
    for entry in &entries {
        show(&mut reply, entry);
    }
    Ok(())
}

fn show(reply: &mut Encoder<'_, Vec<u8>>, entry: &Entry) {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    reply.array(6);
    reply.integer(number(entry.id));
    reply.integer(number(entry.at_s));
    reply.integer(i64::try_from(entry.took.as_micros()).unwrap_or(i64::MAX));
    reply.array(entry.args.len());
    for arg in &entry.args {
        reply.bulk(arg);
    }
    reply.bulk(entry.addr.to_string().as_bytes());
    reply.bulk(entry.client_name.as_bytes());
}

/// `SLOWLOG LEN`
fn len(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = call.shared.slow_log.len();
    call.count(len);
    Ok(())
}

/// `SLOWLOG RESET`
fn reset(call: &mut Call<'_>) -> Result<(), Failure> {
    call.shared.slow_log.clear();
    call.ok();
    Ok(())
}

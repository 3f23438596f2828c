//! `CLIENT`: what a connection says about itself, and what is known of others.

mod kill;
mod list;

use super::call::Call;
use super::help::help;
use super::row::{Command, Flags, Group};
use crate::resp::client::Replies;
use crate::resp::clients::{Label, line};
use crate::resp::failure::Failure;
use crate::resp::request::is;

/// Longest name that a client may give itself or its library.
const LABEL_BYTES_MAX: usize = 1024;

/// For those who look after the server, not for those who use it.
const ADMIN: Flags = Flags::ADMIN;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    row("ID", 2, "5.0.0", "Returns the unique client ID of the connection.").call(id),
    row("GETNAME", 2, "2.6.9", "Returns the name of the connection.").call(getname),
    row("SETNAME", 3, "2.6.9", "Sets the connection name.").call(setname),
    row("SETINFO", 4, "7.2.0", "Sets information specific to the client or connection.")
        .call(setinfo),
    row("INFO", 2, "6.2.0", "Returns information about the connection.").call(info),
    row("LIST", -2, "2.4.0", "Lists open connections.").flags(ADMIN).call(list::list),
    row("KILL", -3, "2.4.0", "Terminates open connections.").flags(ADMIN).call(kill::kill),
    row("NO-EVICT", 3, "7.0.0", "Sets the client eviction mode of the connection.")
        .flags(ADMIN)
        .call(no_evict),
    row(
        "NO-TOUCH",
        3,
        "7.2.0",
        "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
    )
    .call(no_touch),
    row("REPLY", 3, "3.2.0", "Instructs the server whether to reply to commands.").call(reply),
    Command::new(
        "HELP",
        2,
        Group::Connection,
        "5.0.0",
        "Returns helpful text about the different subcommands.",
    )
    .of("CLIENT")
    .flags(Flags::CONNECTION.and(Flags::LOADING).and(Flags::STALE))
    .call(|call| help(call, HELP)),
];

const HELP: &[&str] = &[
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR <ip:port>",
    "      Kill connections made from the specified address",
    "    * LADDR <ip:port>",
    "      Kill connections made to specified local address",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Kill connections by type.",
    "    * USER <username>",
    "      Kill connections authenticated by <username>.",
    "    * SKIPME (YES|NO)",
    "      Skip killing current connection (default: yes).",
    "    * ID <client-id>",
    "      Kill connections by client id.",
    "    * MAXAGE <maxage>",
    "      Kill connections older than the specified age.",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Return clients of specified type.",
    "    * ID <client-id> [<client-id> [...]]",
    "      Return clients of specified ids.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are:",
    "    * LIB-NAME: the client lib name.",
    "    * LIB-VER: the client lib version.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Accepted, and without effect: every read counts as a use of its key.",
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Connection, since, summary)
        .of("CLIENT")
        .flags(Flags::CONNECTION.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE))
}

/// `CLIENT ID`
fn id(call: &mut Call<'_>) -> Result<(), Failure> {
    let id = call.client.record.id;
    call.reply().integer(i64::try_from(id).unwrap_or(i64::MAX));
    Ok(())
}

/// `CLIENT GETNAME`
fn getname(call: &mut Call<'_>) -> Result<(), Failure> {
    match call.client.record.label(Label::Name) {
        Some(name) => call.reply().bulk(name.as_bytes()),
        None => call.reply().null(),
    }
    Ok(())
}

/// `CLIENT SETNAME name`
fn setname(call: &mut Call<'_>) -> Result<(), Failure> {
    let name = name(call.request().arg(2))?;
    call.client.record.set_label(Label::Name, name);
    call.ok();
    Ok(())
}

/// `CLIENT SETINFO LIB-NAME name | LIB-VER version`
fn setinfo(call: &mut Call<'_>) -> Result<(), Failure> {
    let (option, text) = (call.request().arg(2), call.request().arg(3));
    let label = if is(option, "LIB-NAME") {
        Label::Library
    } else if is(option, "LIB-VER") {
        Label::LibraryVersion
    } else {
        return Err(Failure::about("ERR Unrecognized option '", option, "'"));
    };
    let text = visible(text).ok_or_else(|| {
        Failure::about("ERR ", option, " cannot contain spaces, newlines or special characters.")
    })?;
    call.client.record.set_label(label, text);
    call.ok();
    Ok(())
}

/// A connection's name, as it may be.
pub(super) fn name(text: &[u8]) -> Result<&str, Failure> {
    visible(text).ok_or(Failure::Text(
        "ERR Client names cannot contain spaces, newlines or special characters.",
    ))
}

/// Names are shown in lists, and so have nothing that separates, and a bound.
fn visible(text: &[u8]) -> Option<&str> {
    let is_visible = text.len() <= LABEL_BYTES_MAX && text.iter().all(u8::is_ascii_graphic);
    str::from_utf8(text).ok().filter(|_text| is_visible)
}

/// `CLIENT INFO`
fn info(call: &mut Call<'_>) -> Result<(), Failure> {
    show_now(call);
    let mut text = String::new();
    line(&call.client.record, call.shared.uptime_ms(), &mut text);
    call.reply().verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// Lets this connection be seen as it is in the middle of its turn.
fn show_now(call: &Call<'_>) {
    let (now_ms, version) = (call.shared.uptime_ms(), call.client.version);
    call.client.record.tell(|seen| {
        seen.active_ms = now_ms;
        seen.command = Some(call.command);
        seen.version = version;
    });
}

/// `CLIENT NO-EVICT ON | OFF`: connections are not closed for want of memory, so that both come to the same.
fn no_evict(call: &mut Call<'_>) -> Result<(), Failure> {
    let is_on = switch(call)?;
    call.client.record.tell(|seen| seen.no_evict = is_on);
    call.ok();
    Ok(())
}

/// `CLIENT NO-TOUCH ON | OFF`: shown, and without effect.
fn no_touch(call: &mut Call<'_>) -> Result<(), Failure> {
    let is_on = switch(call)?;
    call.client.record.tell(|seen| seen.no_touch = is_on);
    call.ok();
    Ok(())
}

fn switch(call: &Call<'_>) -> Result<bool, Failure> {
    match call.request().arg(2) {
        on if is(on, "ON") => Ok(true),
        off if is(off, "OFF") => Ok(false),
        _ => Err(Failure::Syntax),
    }
}

/// `CLIENT REPLY ON | OFF | SKIP`
fn reply(call: &mut Call<'_>) -> Result<(), Failure> {
    let wanted = call.request().arg(2);
    if is(wanted, "ON") {
        call.client.replies = Replies::On;
        call.ok();
    } else if is(wanted, "OFF") {
        call.client.replies = Replies::Off;
    } else if is(wanted, "SKIP") {
        if call.client.replies != Replies::Off {
            call.client.replies = Replies::SkipNext;
        }
    } else {
        return Err(Failure::Syntax);
    }
    Ok(())
}

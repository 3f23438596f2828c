//! `CLIENT`: what a connection says about itself, and what is known of others.

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::resp::client::Replies;
use crate::resp::failure::Failure;
use crate::resp::request::is;

/// The rows of the subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    row("ID", 2, "5.0.0", "Returns the unique client ID of the connection.").call(id),
    row("GETNAME", 2, "2.6.9", "Returns the name of the connection.").call(getname),
    row("SETNAME", 3, "2.6.9", "Sets the connection name.").call(setname),
    row("REPLY", 3, "3.2.0", "Instructs the server whether to reply to commands.").call(reply),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Connection, since, summary)
        .of("CLIENT")
        .flags(Flags::CONNECTION.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE))
}

/// `CLIENT ID`
fn id(call: &mut Call<'_>) -> Result<(), Failure> {
    let id = call.client.id;
    call.reply().integer(i64::try_from(id).unwrap_or(i64::MAX));
    Ok(())
}

/// `CLIENT GETNAME`
fn getname(call: &mut Call<'_>) -> Result<(), Failure> {
    match call.client.name.clone() {
        Some(name) => call.reply().bulk(&name),
        None => call.reply().null(),
    }
    Ok(())
}

/// `CLIENT SETNAME name`
fn setname(call: &mut Call<'_>) -> Result<(), Failure> {
    let name = call.request().arg(2);
    check_name(name)?;
    call.client.set_name(name);
    call.ok();
    Ok(())
}

/// Names are shown in lists, and so have nothing that separates.
pub(super) fn check_name(name: &[u8]) -> Result<(), Failure> {
    if name.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    Err(Failure::Text("ERR Client names cannot contain spaces, newlines or special characters."))
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
        if call.client.replies == Replies::On {
            call.client.replies = Replies::SkipNext;
        }
    } else {
        return Err(Failure::Syntax);
    }
    Ok(())
}

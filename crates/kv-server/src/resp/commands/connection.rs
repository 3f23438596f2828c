//! The connection itself: greeting, naming, signs of life, leaving.

use super::call::Call;
use super::client;
use super::row::{Command, Flags, Group};
use crate::resp::REDIS_VERSION;
use crate::resp::clients::Label;
use crate::resp::failure::Failure;
use crate::resp::request::{integer, is};
use kv_resp::Version;

/// Served at any time, by any client.
const ALWAYS: Flags = Flags::LOADING.and(Flags::STALE).and(Flags::FAST);

/// Served also to a client that has yet to say who it is.
const GREETING: Flags = ALWAYS.and(Flags::NOSCRIPT).and(Flags::NO_AUTH).and(Flags::ALLOW_BUSY);

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("PING", -1, "1.0.0", "Returns the server's liveliness response.").fast().call(ping),
    row("ECHO", 2, "1.0.0", "Returns the given string.").flags(ALWAYS).call(echo),
    row("QUIT", -1, "1.0.0", "Closes the connection.").flags(GREETING).call(quit),
    row("RESET", 1, "6.2.0", "Resets the connection.").flags(GREETING).call(reset),
    row("HELLO", -1, "6.0.0", "Handshakes with the server.").flags(GREETING).call(hello),
    row("AUTH", -2, "1.0.0", "Authenticates the connection.").flags(GREETING).call(auth),
    row("SELECT", 2, "1.0.0", "Changes the selected database.").flags(ALWAYS).call(select),
    Command::new(
        "CLIENT",
        -2,
        Group::Connection,
        "2.4.0",
        "A container for client connection commands.",
    )
    .container(client::SUBCOMMANDS),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Connection, since, summary).flags(Flags::CONNECTION)
}

/// The only user there is. It has no password.
const DEFAULT_USER: &str = "default";

const WRONG_PASSWORD: Failure =
    Failure::Text("WRONGPASS invalid username-password pair or user is disabled.");

/// `PING [message]`
fn ping(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    match request.len() {
        1 => call.reply().simple("PONG"),
        2 => call.reply().bulk(request.arg(1)),
        _ => return Err(Failure::Arity(call.command)),
    }
    Ok(())
}

/// `ECHO message`
fn echo(call: &mut Call<'_>) -> Result<(), Failure> {
    let message = call.request().arg(1);
    call.reply().bulk(message);
    Ok(())
}

/// `QUIT`
fn quit(call: &mut Call<'_>) -> Result<(), Failure> {
    call.ok();
    call.close();
    Ok(())
}

/// `RESET`
fn reset(call: &mut Call<'_>) -> Result<(), Failure> {
    call.client.reset();
    call.reply().simple("RESET");
    Ok(())
}

/// `HELLO [version [AUTH user password] [SETNAME name]]`
fn hello(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let mut args = request.args_from(1);
    let version = match args.next() {
        None => call.client.version,
        Some(text) => match integer(text) {
            Ok(2) => Version::Resp2,
            Ok(3) => Version::Resp3,
            Ok(_) => return Err(Failure::Text("NOPROTO unsupported protocol version")),
            Err(_) => {
                return Err(Failure::Text(
                    "ERR Protocol version is not an integer or out of range",
                ));
            }
        },
    };
    let (mut user, mut name) = (None, None);
    while let Some(option) = args.next() {
        if is(option, "AUTH") && args.len() >= 2 {
            user = args.next();
            // There is no password to compare it with.
            args.next();
        } else if is(option, "SETNAME") && args.len() >= 1 {
            name = Some(client::name(args.next().unwrap_or_default())?);
        } else {
            return Err(Failure::hello_option(option));
        }
    }
    if user.is_some_and(|user| user != DEFAULT_USER.as_bytes()) {
        return Err(WRONG_PASSWORD);
    }
    if let Some(name) = name {
        call.client.record.set_label(Label::Name, name);
    }
    call.client.version = version;
    greet(call);
    Ok(())
}

fn greet(call: &mut Call<'_>) {
    let id = call.client.record.id;
    let mut reply = call.reply();
    reply.map(7);
    // Clients look for the server they were written for.
    for (field, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.integer(if reply.version() == Version::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(i64::try_from(id).unwrap_or(i64::MAX));
    for (field, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
}

/// `AUTH [user] password`
fn auth(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    match request.len() {
        2 => Err(Failure::Text(
            "ERR AUTH <password> called without any password configured for the default user. Are you \
             sure your configuration is correct?",
        )),
        3 if request.arg(1) == DEFAULT_USER.as_bytes() => {
            call.ok();
            Ok(())
        }
        3 => Err(WRONG_PASSWORD),
        _ => Err(Failure::Syntax),
    }
}

/// `SELECT 0`
fn select(call: &mut Call<'_>) -> Result<(), Failure> {
    Call::check_db(call.request().arg(1))?;
    call.ok();
    Ok(())
}

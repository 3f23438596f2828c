//! Runs one verb from connecting to exit code.

use std::time::Duration;

use kv_client::Client;

use crate::args::{Cli, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Input;
use crate::screen::{Screen, notice};

/// What every verb needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) client: Client,
    /// Where it talks to, and how long one request may take.
    pub(crate) address: String,
    pub(crate) timeout: Duration,
    pub(crate) input: Input,
    pub(crate) screen: Screen,
}

/// Runs the verb; what went wrong is told in one line on standard error.
pub fn run(cli: Cli) -> Exit {
    match run_to_end(cli) {
        Ok(()) => Exit::Done,
        Err(failure) if failure.is_closed_output() => Exit::Done,
        Err(failure) => {
            notice(format_args!("kv-cli: {failure}"));
            failure.exit()
        }
    }
}

/// One thread is enough for a connection; files have threads of their own.
fn run_to_end(cli: Cli) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Usage(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(async {
        let Cli { global, verb } = cli;
        let mut context = Context {
            client: client(&global)?,
            timeout: global.timeout,
            input: Input { hex: global.hex },
            screen: Screen::stdout(global.output, global.hex),
            address: global.addr,
        };
        let outcome = verb.run(&mut context).await;
        // What was found out is told even if something is missing.
        let flushed = context.screen.flush();
        outcome?;
        Ok(flushed?)
    });
    // A thread may still wait for standard input.
    runtime.shutdown_background();
    outcome
}

/// Connecting may take a quarter of the time, so that three attempts at it fit: then the answer is
/// that nobody was reached, and not that time is up.
fn client(global: &Global) -> Result<Client, Failure> {
    let timeout: Duration = global.timeout;
    Client::builder()
        .address(&global.addr)
        .connect_timeout(timeout / 4)
        .request_timeout(timeout)
        .connect_lazy()
        .map_err(|error| Failure::Client(error.into()))
}

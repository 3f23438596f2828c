//! The composition root: the only place where the server meets its engine, clock and journal.

mod allocator;
mod daemon;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use kv_server::{Args, Config, SystemClock, telemetry};
use tracing::error;

/// The server could not start or serve.
const EXIT_FAILED: u8 = 1;

/// The command line or the configuration is not valid. clap exits with the same code.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::from_command_line(std::env::args_os());
    if let Some(command) = &args.command {
        return daemon::run_tool(command);
    }
    let config = match args.sources(std::env::vars_os()).and_then(|sources| Config::load(&sources))
    {
        Ok(config) => config,
        Err(error) => return refuse(&error.into(), EXIT_USAGE),
    };
    let clock = Arc::new(SystemClock::start());
    if let Err(error) = daemon::check(&config, &clock) {
        return refuse(&error, EXIT_USAGE);
    }
    if args.check_config {
        return print(&config.to_toml());
    }
    if let Err(error) = telemetry::init(&config.log) {
        return refuse(&error.into(), EXIT_FAILED);
    }
    match daemon::run(&config, &clock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Prints to standard output; a reader that has gone away is not worth an error.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refuse(&error.into(), EXIT_FAILED),
    }
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn refuse(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("kv-server: {error}");
    ExitCode::from(code)
}

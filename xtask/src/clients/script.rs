//! Runs a client's script, which may order that the server be killed and started meanwhile.
//!
//! The script prints a line for each order and reads `done` when it was carried out; see
//! `xtask/clients/shared/harness.py` for the other side.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::server::Server;

/// How long a script may be silent.
const SILENCE_MAX: Duration = Duration::from_mins(2);

/// Lines that wait to be looked at, at most; then the script waits.
const LINES_MAX: usize = 100;

/// A line that a script has printed.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Kill,
    Start,
    Version(&'a str),
    Text(&'a str),
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Self {
        match (line, line.strip_prefix("@version ")) {
            ("@kill", _) => Self::Kill,
            ("@start", _) => Self::Start,
            (_, Some(version)) => Self::Version(version),
            _ => Self::Text(line),
        }
    }
}

/// Runs the script to its end, and adds what it tells of versions. Fails when it does, or when it is silent
/// for too long.
pub(super) fn run(
    command: &mut Command,
    server: &mut Server,
    versions: &mut Vec<String>,
) -> Result<()> {
    let program = command.get_program().display().to_string();
    let mut child = command
        .envs(server.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} could not be started"))?;
    let followed = follow(&mut child, server, versions);
    if followed.is_err() {
        // It may have ended by itself, which is as good.
        drop(child.kill());
    }
    let status = child.wait()?;
    followed?;
    anyhow::ensure!(status.success(), "the script ended with {status}");
    Ok(())
}

fn follow(child: &mut Child, server: &mut Server, versions: &mut Vec<String>) -> Result<()> {
    let mut input = child.stdin.take().context("the script has no input")?;
    let lines = lines(child)?;
    loop {
        let line = match lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                anyhow::bail!("the script was silent for {SILENCE_MAX:?} and was ended")
            }
        };
        match Line::parse(&line) {
            Line::Kill => server.kill()?,
            Line::Start => server.start_again()?,
            Line::Version(version) => {
                println!("   {version}");
                versions.push(version.to_owned());
                continue;
            }
            Line::Text(text) => {
                println!("   {text}");
                continue;
            }
        }
        writeln!(input, "done").context("the script does not listen")?;
    }
}

/// What the script prints, line by line, until its end.
fn lines(child: &mut Child) -> Result<Receiver<String>> {
    let output = child.stdout.take().context("the script has no output")?;
    let (line, lines) = sync_channel(LINES_MAX);
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).all(|text| line.send(text).is_ok())
    });
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_from_text() {
        assert_eq!(Line::parse("@kill"), Line::Kill);
        assert_eq!(Line::parse("@start"), Line::Start);
        assert_eq!(Line::parse("@version a 1.0"), Line::Version("a 1.0"));
        assert_eq!(Line::parse("2 of 3 checks passed"), Line::Text("2 of 3 checks passed"));
        assert_eq!(Line::parse("@other"), Line::Text("@other"));
    }
}

//! A program at a terminal, which `script` pretends to be: lines are typed when there is a prompt.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clients::software::told;

/// How long the program may take to show something.
const LIMIT: Duration = Duration::from_secs(20);

/// Whether there is a `script` here that runs a command (not that of BSD).
pub(super) fn is_available() -> bool {
    told("script", &["-qec", "true", "/dev/null"]).is_some()
}

/// A program that believes to be at a terminal. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Receiver<Vec<u8>>,
    prompt: String,
    /// Shown, and not looked at yet.
    pending: String,
}

impl Terminal {
    /// Starts a command line, and waits for its first prompt.
    pub(super) fn start(line: &str, prompt: String) -> Result<Self> {
        // Without a width, the program would ask the terminal for it, and nobody would answer.
        let line = format!("stty cols 200 rows 50; exec {line}");
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("`script` cannot be started")?;
        let keyboard = child.stdin.take().context("`script` has no input")?;
        let mut stdout = child.stdout.take().context("`script` has no output")?;
        let (chunk, screen) = sync_channel(64);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut bytes) {
                let shown = bytes.get(..read).unwrap_or_default().to_vec();
                if chunk.send(shown).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Self { child, keyboard, screen, prompt, pending: String::new() };
        terminal.until_prompt()?;
        Ok(terminal)
    }

    /// Types a line; what is shown until the next prompt must contain all of these, in order.
    pub(super) fn asks(&mut self, line: &str, expected: &[&str]) -> Result<()> {
        write!(self.keyboard, "{line}\r")?;
        // The line is shown as it is typed, behind a prompt that is drawn again and again.
        self.until_shown("\r\n")?;
        let shown = self.until_prompt()?;
        let mut rest = shown.as_str();
        for text in expected {
            let Some((_, after)) = rest.split_once(text) else {
                anyhow::bail!("`{line}` did not show {text:?} but {shown:?}");
            };
            rest = after;
        }
        Ok(())
    }

    /// Types a line that ends the program.
    pub(super) fn leaves(mut self, line: &str) -> Result<()> {
        write!(self.keyboard, "{line}\r")?;
        while self.next_shown()?.is_some() {}
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "`{line}` ended it with {status}");
        Ok(())
    }

    fn until_prompt(&mut self) -> Result<String> {
        let prompt = self.prompt.clone();
        self.until_shown(&prompt)
    }

    /// What is shown up to this.
    fn until_shown(&mut self, end: &str) -> Result<String> {
        let mut shown = std::mem::take(&mut self.pending);
        loop {
            if let Some((before, after)) = shown.split_once(end) {
                after.clone_into(&mut self.pending);
                return Ok(before.to_owned());
            }
            let next = self.next_shown().with_context(|| format!("{end:?} is not in {shown:?}"))?;
            shown += &next.with_context(|| format!("it ended after {shown:?}"))?;
        }
    }

    /// What is shown next; `None` at the end.
    fn next_shown(&mut self) -> Result<Option<String>> {
        match self.screen.recv_timeout(LIMIT) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => anyhow::bail!("nothing was shown for {LIMIT:?}"),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

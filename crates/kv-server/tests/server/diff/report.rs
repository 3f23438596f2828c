//! A mismatch as people read it.

use std::fmt;

use super::run::Mismatch;
use super::step::{Args, Step};

/// Longest argument that is shown whole, in bytes.
const SHOWN_MAX: usize = 200;

/// One mismatch, and what to do to see it again.
#[derive(Debug)]
pub(super) struct Report {
    /// Where the session starts that has shown it.
    pub(super) seed: u64,
    /// The fewest steps found that show it; none when it did not come again.
    pub(super) steps: Option<Vec<Step>>,
    pub(super) mismatch: Mismatch,
}

impl Report {
    /// Whether this is likely the same mistake: that of the same command.
    pub(super) fn is_about(&self, mismatch: &Mismatch) -> bool {
        self.mismatch.name() == mismatch.name()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, mismatch } = self;
        writeln!(
            formatter,
            "the servers answer differently: cargo xtask diff --ops 1 --seed {seed}"
        )?;
        match steps {
            Some(steps) => {
                writeln!(formatter, "  the fewest steps found that show it, on an empty store:")?;
                for step in steps {
                    writeln!(formatter, "    {}", shown_step(step))?;
                }
            }
            None => writeln!(
                formatter,
                "  at step {} of the session, once and not again",
                mismatch.step
            )?,
        }
        writeln!(formatter, "  at:    {}", shown_command(&mismatch.command))?;
        writeln!(formatter, "  redis: {}", mismatch.redis)?;
        writeln!(formatter, "  kv:    {}", mismatch.kv)
    }
}

fn shown_step(step: &Step) -> String {
    let version = |connection: usize| if connection % 2 == 1 { 3 } else { 2 };
    match step {
        Step::Pipeline { connection, commands } => {
            let commands: Vec<String> = commands.iter().map(shown_command).collect();
            format!(
                "connection {connection} (RESP{}): {}",
                version(*connection),
                commands.join(" ; ")
            )
        }
        Step::Raw(bytes) => format!("bytes: \"{}\"", bytes.escape_ascii()),
        Step::Scan { connection, options } => {
            format!("connection {connection}: SCAN to the end {}", shown_command(options))
        }
        Step::Restore { connection, from, to, ttl, options } => format!(
            "connection {connection}: DUMP {} ; RESTORE {} (payload) {}",
            shown_arg(from),
            shown_command(&vec![to.clone(), ttl.clone()]),
            shown_command(options)
        ),
    }
}

fn shown_command(command: &Args) -> String {
    command.iter().map(|arg| shown_arg(arg)).collect::<Vec<_>>().join(" ")
}

fn shown_arg(arg: &[u8]) -> String {
    let shown = arg.get(..SHOWN_MAX).unwrap_or(arg).escape_ascii();
    if arg.len() > SHOWN_MAX {
        return format!("\"{shown}\"... ({} bytes)", arg.len());
    }
    let is_plain = !arg.is_empty()
        && arg.iter().all(|byte| byte.is_ascii_graphic() && !b"\"\\';".contains(byte));
    if is_plain { shown.to_string() } else { format!("\"{shown}\"") }
}

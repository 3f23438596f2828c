//! A mismatch as people read it.

use super::run::Mismatch;
use super::step::{Args, Step};

/// Longest argument that is shown whole, in bytes.
const SHOWN_MAX: usize = 200;

/// What to do again, and what came of it.
pub(super) fn report(seed: u64, steps: &[Step], mismatch: &Mismatch) -> String {
    let mut lines = vec![
        "the servers answer differently".to_owned(),
        format!("  to replay it: cargo xtask diff --ops 1 --seed {seed}"),
        "  the fewest steps found that show it, on an empty store:".to_owned(),
    ];
    lines.extend(steps.iter().map(|step| format!("    {}", shown_step(step))));
    lines.extend(shown_mismatch(mismatch));
    lines.join("\n")
}

/// What came once, and not again.
pub(super) fn report_once(seed: u64, mismatch: &Mismatch) -> String {
    let mut lines = vec![
        format!("the servers have answered differently, but not so again: seed {seed}"),
        format!("  step {} of the session", mismatch.step),
    ];
    lines.extend(shown_mismatch(mismatch));
    lines.join("\n")
}

fn shown_mismatch(mismatch: &Mismatch) -> [String; 3] {
    [
        format!("  at:    {}", shown_command(&mismatch.command)),
        format!("  redis: {}", mismatch.redis),
        format!("  kv:    {}", mismatch.kv),
    ]
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

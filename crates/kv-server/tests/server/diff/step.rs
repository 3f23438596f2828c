//! What a session is made of.

use kv_resp::{Decoder, Limits};

/// The name of a command and its arguments.
pub(super) type Args = Vec<Vec<u8>>;

/// Connections that a session uses side by side. Those with an odd number begin with RESP3.
pub(super) const CONNECTIONS: usize = 3;

/// What stands in reports for all the commands of an iteration.
const SCAN_TO_THE_END: &[u8] = b"SCAN-to-the-end";

/// One exchange with both servers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Commands that are sent at once.
    Pipeline { connection: usize, commands: Vec<Args> },
    /// Bytes on a connection of their own, which may not be commands.
    Raw(Vec<u8>),
    /// A whole iteration: `SCAN` with these options until the cursor is 0 again.
    Scan { connection: usize, options: Args },
    /// A value dumped and restored by the same server: payloads are its own business.
    Restore { connection: usize, from: Vec<u8>, to: Vec<u8>, ttl: Vec<u8>, options: Args },
}

impl Step {
    /// What is asked, one command per answer.
    pub(super) fn asked(&self) -> Vec<Args> {
        match self {
            Self::Pipeline { commands, .. } => answered(commands),
            Self::Raw(_) => Vec::new(),
            Self::Scan { options, .. } => vec![[args([SCAN_TO_THE_END]), options.clone()].concat()],
            Self::Restore { to, ttl, options, .. } => {
                vec![[args([b"RESTORE", to, ttl, b"(payload)"]), options.clone()].concat()]
            }
        }
    }
}

/// Owned arguments.
pub(super) fn args<const N: usize>(args: [&[u8]; N]) -> Args {
    args.map(<[u8]>::to_vec).to_vec()
}

/// Whether `arg` is `word`, in any case.
pub(super) fn is(arg: Option<&Vec<u8>>, word: &str) -> bool {
    arg.is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
}

/// A command as one would type it, with quotes and escapes.
pub(super) fn words(line: &str) -> Args {
    let line = format!("{line}\n");
    let mut decoder = Decoder::new(Limits::default());
    let batch = decoder.decode(line.as_bytes(), 1);
    let command = batch.iter().next().expect("a command");
    command.args().map(<[u8]>::to_vec).collect()
}

/// The commands that are answered: `CLIENT REPLY` may say that some are not.
pub(super) fn answered(commands: &[Args]) -> Vec<Args> {
    let (mut is_off, mut is_skipped) = (false, false);
    let mut answered = Vec::new();
    for command in commands {
        let is_reply =
            command.len() == 3 && is(command.first(), "CLIENT") && is(command.get(1), "REPLY");
        let mode = command.get(2).filter(|_| is_reply);
        let is_silent = is_off || std::mem::take(&mut is_skipped);
        if is(mode, "ON") {
            (is_off, is_skipped) = (false, false);
            answered.push(command.clone());
        } else if is(mode, "OFF") {
            is_off = true;
        } else if is(mode, "SKIP") {
            is_skipped = !is_off;
        } else if !is_silent {
            answered.push(command.clone());
        }
    }
    answered
}

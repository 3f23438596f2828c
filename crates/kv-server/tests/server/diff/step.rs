//! What a session is made of.

use kv_resp::{Decoder, Limits};

/// The name of a command and its arguments.
pub(super) type Args = Vec<Vec<u8>>;

/// Connections that a session uses side by side. Those with an odd number begin with RESP3.
pub(super) const CONNECTIONS: usize = 3;

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

//! `SHUTDOWN`: the server stops, as after a signal.

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::resp::failure::Failure;
use crate::resp::request::{Request, is};
use crate::shutdown::FinalSnapshot;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[Command::new(
    "SHUTDOWN",
    -1,
    Group::Server,
    "1.0.0",
    "Synchronously saves the database(s) to disk and shuts down the Redis server.",
)
.flags(Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE))
.flags(Flags::NO_MULTI.and(Flags::ALLOW_BUSY))
.call(shutdown)];

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: the client is not answered, only closed. There are no
/// replicas to wait for and nothing that could refuse, so that `NOW` and `FORCE` change nothing.
fn shutdown(call: &mut Call<'_>) -> Result<(), Failure> {
    let snapshot = options(call.request())?;
    call.shared.gate.stop_requests().ask(snapshot);
    call.close();
    Ok(())
}

fn options(request: Request<'_>) -> Result<FinalSnapshot, Failure> {
    let has = |word: &str| request.args_from(1).any(|arg| is(arg, word));
    let known = ["NOSAVE", "SAVE", "NOW", "FORCE", "ABORT"];
    let is_known = |arg: &[u8]| known.into_iter().any(|word| is(arg, word));
    let others_than_abort = request.args_from(1).any(|arg| !is(arg, "ABORT"));
    if !request.args_from(1).all(is_known)
        || (has("ABORT") && others_than_abort)
        || (has("SAVE") && has("NOSAVE"))
    {
        return Err(Failure::Syntax);
    }
    if has("ABORT") {
        return Err(Failure::Text("ERR No shutdown in progress."));
    }
    Ok(match (has("SAVE"), has("NOSAVE")) {
        (true, _) => FinalSnapshot::Wanted,
        (_, true) => FinalSnapshot::Unwanted,
        _ => FinalSnapshot::Configured,
    })
}

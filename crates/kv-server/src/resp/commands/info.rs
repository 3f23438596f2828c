//! `INFO`: what is going on.

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::resp::failure::Failure;
use crate::resp::info;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[Command::new(
    "INFO",
    -1,
    Group::Server,
    "1.0.0",
    "Returns information and statistics about the server.",
)
.flags(Flags::LOADING.and(Flags::STALE).and(Flags::DANGEROUS))
.call(info)];

/// `INFO [section ...]`
fn info(call: &mut Call<'_>) -> Result<(), Failure> {
    let server = info::Server { shared: call.shared, local: call.client.record.peer.local };
    let text = info::info(&server, &call.request().args_from(1));
    call.reply().verbatim(*b"txt", text.as_bytes());
    Ok(())
}

//! A connection in one line, as `CLIENT LIST` and `CLIENT INFO` show it.

use std::fmt::Write as _;

use kv_resp::Version;

use super::record::{Label, Record, Seen};
use crate::resp::commands::Command;
use crate::resp::session::SESSION_BYTES;

/// Memory of a connection that has nothing received and nothing to send.
pub(crate) const RECORD_BYTES: usize = size_of::<Record>() + SESSION_BYTES;

/// Appends the line of a connection, with its end. Of what this server has not, such as channels to
/// subscribe to, there is always none.
pub(crate) fn line(record: &Record, now_ms: u64, output: &mut String) {
    let seen = record.seen();
    let text = |label| record.label(label).unwrap_or_default();
    let (name, library, library_version) =
        (text(Label::Name), text(Label::Library), text(Label::LibraryVersion));
    let age = now_ms.saturating_sub(record.connected_ms) / 1000;
    let idle = now_ms.saturating_sub(seen.active_ms) / 1000;
    let command = seen.command.map_or_else(|| "NULL".to_owned(), Command::full_name);
    let labels = name.len() + library.len() + library_version.len();
    let memory = RECORD_BYTES + labels + seen.received + seen.room + seen.unsent;
    let Seen { received, room, unsent, unsent_pieces, .. } = seen;
    let written = writeln!(
        output,
        "id={} addr={} laddr={} fd={} name={name} age={age} idle={idle} flags={} db=0 sub=0 psub=0 ssub=0 \
         multi=-1 qbuf={received} qbuf-free={room} argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 \
         oll={unsent_pieces} omem={unsent} tot-mem={memory} events={} cmd={command} user=default redir=-1 \
         resp={} lib-name={library} lib-ver={library_version}",
        record.id,
        record.peer.addr,
        record.peer.local,
        record.peer.fd,
        flags(&seen),
        if unsent > 0 { "rw" } else { "r" },
        if seen.version == Version::Resp3 { 3 } else { 2 },
    );
    // A string takes whatever is written.
    if written.is_err() {}
}

fn flags(seen: &Seen) -> String {
    let flags = [('b', seen.is_blocked), ('e', seen.no_evict), ('T', seen.no_touch)];
    let set: String =
        flags.into_iter().filter_map(|(flag, is_set)| is_set.then_some(flag)).collect();
    if set.is_empty() { "N".to_owned() } else { set }
}

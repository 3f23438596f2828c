//! `CLIENT LIST`: the connections there are.

use super::{Failure, line, show_now};
use crate::resp::commands::call::Call;
use crate::resp::request::{integer, is};

/// `CLIENT LIST [TYPE type | ID id [id ...]]`
pub(super) fn list(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let clients = &call.shared.clients;
    let wanted = match request.len() {
        2 => clients.all(),
        4 if is(request.arg(2), "TYPE") => match Kind::of(request.arg(3))? {
            Kind::Normal => clients.all(),
            Kind::Absent => Vec::new(),
        },
        4.. if is(request.arg(2), "ID") => {
            let id = |text| {
                integer(text).map_err(|_not_a_number| Failure::Text("ERR Invalid client ID"))
            };
            let ids: Vec<i64> = request.args_from(3).map(id).collect::<Result<_, _>>()?;
            let known = ids.into_iter().filter_map(|id| u64::try_from(id).ok());
            known.filter_map(|id| clients.get(id)).collect()
        }
        _ => return Err(Failure::Syntax),
    };
    show_now(call);
    let (now_ms, mut text) = (call.shared.uptime_ms(), String::new());
    for record in &wanted {
        line(record, now_ms, &mut text);
    }
    call.reply().verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// The types of connections that Redis has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every connection of this server.
    Normal,
    /// None of them.
    Absent,
}

impl Kind {
    pub(super) fn of(name: &[u8]) -> Result<Self, Failure> {
        if is(name, "NORMAL") {
            return Ok(Self::Normal);
        }
        if ["MASTER", "REPLICA", "SLAVE", "PUBSUB"].into_iter().any(|absent| is(name, absent)) {
            return Ok(Self::Absent);
        }
        Err(Failure::about("ERR Unknown client type '", name, "'"))
    }
}

//! `CLIENT KILL`: ends connections.

use super::Failure;
use super::list::Kind;
use crate::resp::clients::Record;
use crate::resp::commands::call::Call;
use crate::resp::request::{Request, integer, is};

/// Which connections are to end: those for which all of it holds.
#[derive(Debug, Default)]
struct Filter<'a> {
    id: Option<u64>,
    addr: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
    kind: Option<Kind>,
    spares_self: bool,
    /// In seconds.
    age_min: Option<u64>,
}

/// `CLIENT KILL addr`, `CLIENT KILL option value [option value ...]`
pub(super) fn kill(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let is_old_form = request.len() == 3;
    let filter = if is_old_form {
        Filter { addr: Some(request.arg(2)), ..Filter::default() }
    } else {
        Filter::of(request)?
    };
    let now_ms = call.shared.uptime_ms();
    let mut found = call.shared.clients.all();
    found.retain(|record| filter.matches(record, call.client.record.id, now_ms));
    if is_old_form && found.is_empty() {
        return Err(Failure::Text("ERR No such client"));
    }
    for record in &found {
        if record.id == call.client.record.id {
            // It is told first.
            call.close();
        } else {
            record.kill();
        }
    }
    if is_old_form {
        call.ok();
    } else {
        call.count(found.len());
    }
    Ok(())
}

impl<'a> Filter<'a> {
    fn of(request: Request<'a>) -> Result<Self, Failure> {
        let mut filter = Filter { spares_self: true, ..Filter::default() };
        let mut args = request.args_from(2);
        while let Some(option) = args.next() {
            filter.add(option, args.next().ok_or(Failure::Syntax)?)?;
        }
        Ok(filter)
    }

    fn add(&mut self, option: &[u8], value: &'a [u8]) -> Result<(), Failure> {
        if is(option, "ID") {
            self.id = Some(positive(value, "ERR client-id should be greater than 0")?);
        } else if is(option, "ADDR") {
            self.addr = Some(value);
        } else if is(option, "LADDR") {
            self.local = Some(value);
        } else if is(option, "TYPE") {
            self.kind = Some(Kind::of(value)?);
        } else if is(option, "USER") {
            // There is one user, who every connection belongs to.
            if value != b"default" {
                return Err(Failure::about("ERR No such user '", value, "'"));
            }
        } else if is(option, "SKIPME") && is(value, "YES") {
            self.spares_self = true;
        } else if is(option, "SKIPME") && is(value, "NO") {
            self.spares_self = false;
        } else if is(option, "MAXAGE") {
            self.age_min = Some(positive(value, "ERR maxage should be greater than 0")?);
        } else {
            return Err(Failure::Syntax);
        }
        Ok(())
    }

    fn matches(&self, record: &Record, myself: u64, now_ms: u64) -> bool {
        let is_addr = |wanted: Option<&[u8]>, addr: std::net::SocketAddr| {
            wanted.is_none_or(|wanted| wanted == addr.to_string().as_bytes())
        };
        let age = now_ms.saturating_sub(record.connected_ms) / 1000;
        self.id.is_none_or(|id| id == record.id)
            && is_addr(self.addr, record.peer.addr)
            && is_addr(self.local, record.peer.local)
            && self.kind != Some(Kind::Absent)
            && !(self.spares_self && record.id == myself)
            && self.age_min.is_none_or(|age_min| age >= age_min)
    }
}

/// A number above 0, or else this is wrong.
fn positive(text: &[u8], otherwise: &'static str) -> Result<u64, Failure> {
    let number = integer(text).ok().and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or(Failure::Text(otherwise))
}

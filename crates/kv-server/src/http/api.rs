//! What every request of this API is answered with: the way to the store, and the bounds.

use std::sync::Arc;

use hyper::header::HeaderMap;
use kv_core::{Durability, Op, Reply};

use super::answer::{KV_DURABILITY, level_name};
use super::body::Limit;
use super::cors::Cors;
use super::problem::{Problem, Reason};
use super::query::{Query, bad};
use crate::config::Config;
use crate::contract::Shared;
use crate::gate::Gate;
use crate::metrics::Protocol;
use crate::promise::Basis;

/// The way to the store, and the bounds.
pub(super) struct Api {
    pub(super) gate: Arc<Gate>,
    /// The bounds of messages, which are those of gRPC.
    pub(super) messages: Shared,
    pub(super) cors: Cors,
    /// How long a body may be that is a value.
    pub(super) value_limit: Limit,
    /// How long a body may be that is a message.
    pub(super) message_limit: Limit,
}

impl Api {
    /// Answers as the configuration says.
    pub(super) fn new(gate: &Arc<Gate>, config: &Config) -> Self {
        let limits = &config.limits;
        let message = Limit {
            bytes: limits.message_bytes_max.as_usize(),
            setting: "limits.message_bytes_max",
        };
        let value =
            Limit { bytes: limits.value_bytes_max.as_usize(), setting: "limits.value_bytes_max" };
        Self {
            gate: Arc::clone(gate),
            messages: Shared::new(Arc::clone(gate), config, Protocol::Http),
            cors: Cors::new(&config.server.http_cors_origins),
            value_limit: if value.bytes < message.bytes { value } else { message },
            message_limit: message,
        }
    }

    /// Executes one read, and waits until its answer may be shown.
    pub(super) async fn read(&self, op: &Op<'_>) -> Result<Reply, Problem> {
        let reply = self.gate.store().execute(op)?;
        self.gate.settle(Basis::of_read(reply.lsn), Durability::Memory).await?;
        Ok(reply)
    }
}

/// The level that the query or the header asks for.
pub(super) fn durability(
    query: &Query<'_>,
    headers: &HeaderMap,
) -> Result<Option<Durability>, Problem> {
    const ALLOWED: &str = "memory, buffered or fsync";
    let in_query = query.get("durability", ALLOWED, level)?;
    let Some(header) = headers.get(KV_DURABILITY) else {
        return Ok(in_query);
    };
    let Some(in_header) = header.to_str().ok().and_then(level) else {
        let text = format!("Kv-Durability is not understood: it must be {ALLOWED}");
        return Err(Problem::new(Reason::BadHeader, text));
    };
    if in_query.is_some_and(|level| level != in_header) {
        return Err(bad("durability is given in the query and otherwise in Kv-Durability"));
    }
    Ok(Some(in_header))
}

fn level(name: &str) -> Option<Durability> {
    let levels = [Durability::Memory, Durability::Buffered, Durability::Fsync];
    levels.into_iter().find(|level| level_name(*level) == name)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn asked(query: &str, header: Option<&'static str>) -> Result<Option<Durability>, Problem> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(KV_DURABILITY, HeaderValue::from_static(header));
        }
        durability(&Query::parse(Some(query), &["durability"]).unwrap(), &headers)
    }

    #[test]
    fn a_level_is_asked_for_in_either_place() {
        assert_eq!(asked("", None), Ok(None));
        assert_eq!(asked("durability=memory", None), Ok(Some(Durability::Memory)));
        assert_eq!(asked("", Some("buffered")), Ok(Some(Durability::Buffered)));
        assert_eq!(asked("durability=fsync", Some("fsync")), Ok(Some(Durability::Fsync)));
    }

    #[test]
    fn what_is_no_level_or_two_is_refused() {
        for (query, header, reason) in [
            ("durability=disk", None, Reason::BadQuery),
            ("durability=", None, Reason::BadQuery),
            ("", Some("FSYNC"), Reason::BadHeader),
            ("durability=fsync", Some("memory"), Reason::BadQuery),
        ] {
            assert_eq!(asked(query, header).unwrap_err().reason(), reason, "{query}, {header:?}");
        }
    }
}

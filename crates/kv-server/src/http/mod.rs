//! The HTTP API: one key at a time, batches and listings, over HTTP/1.1 and HTTP/2 on one port.
//!
//! A request goes from `connection` to `service`, which finds the `route` and calls the handler: `key`, `list`
//! or `batch`. Handlers read headers and query with the small parsers beside them, execute through the
//! [`Gate`], and make an `answer` or a `problem`.

mod activity;
mod answer;
mod api;
mod batch;
mod body;
mod connection;
mod content;
mod cors;
mod cursor;
mod etag;
mod expiry;
mod http1;
mod json;
mod key;
mod limits;
mod list;
mod media;
mod openapi;
mod percent;
mod precondition;
mod problem;
mod query;
mod range;
mod route;
mod service;
mod stream;
mod write;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::{Config, LimitsSection};
use crate::gate::Gate;
use crate::listener::Accepted;
use crate::protocol::{Protocol, Served};
use crate::shutdown::Drain;
use crate::workers::Seat;
use api::Api;
use connection::Settings;

/// The answer to a client for whom there is no place, whatever it has asked.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\n\
    cache-control: no-store\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-length: 239\r\n\
    \r\n\
    {\"type\":\"/openapi.json#/x-problems/CONNECTIONS_FULL\",\
    \"title\":\"There is no place for another connection\",\
    \"status\":503,\
    \"detail\":\"limits.connections_max are open: come back later, or use a connection that is open\",\
    \"reason\":\"CONNECTIONS_FULL\"}";

/// The HTTP API as one of the server's protocols.
pub(crate) struct Http {
    api: Arc<Api>,
    settings: Arc<Settings>,
}

impl Http {
    /// Serves the store, once it is loaded.
    pub(crate) fn new(gate: &Arc<Gate>, config: &Config) -> Self {
        let settings = Settings { http1: http1::settings(), http2: http2(&config.limits) };
        Self { api: Arc::new(Api::new(gate, config)), settings: Arc::new(settings) }
    }
}

impl Protocol for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn full(&self) -> &'static [u8] {
        FULL
    }

    fn serve(&self, accepted: Accepted, seat: Seat, drain: Drain) -> BoxFuture<'static, Served> {
        let (api, settings) = (Arc::clone(&self.api), Arc::clone(&self.settings));
        Box::pin(async move {
            connection::serve(accepted, api, settings, drain).await;
            drop(seat);
            Served::Over
        })
    }
}

/// The settings of HTTP/2.
fn http2(limits: &LimitsSection) -> http2::Builder<TokioExecutor> {
    let streams_max = u32::try_from(limits.streams_per_connection_max.get()).unwrap_or(u32::MAX);
    let head_bytes_max = u32::try_from(limits::HEAD_BYTES_MAX).unwrap_or(u32::MAX);
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams_max)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_header_list_size(head_bytes_max)
        .keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT);
    http2
}

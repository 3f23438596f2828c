//! gRPC: the services of one server, and the HTTP/2 settings they are served with.

mod admin_service;
mod batch;
mod convert;
mod durability;
mod health;
mod kv_service;
mod pipeline;
mod refusal;
mod room;
mod scan;
mod services;
mod shared;
mod status;

pub(crate) use services::Services;

use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::LimitsSection;

/// How far a client may send ahead on one call.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// How far a client may send ahead on all calls of a connection.
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;

/// How often an idle connection is asked for a sign of life.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long the sign of life may take, before the connection is closed.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest headers of one request. kv uses none; tracing and authentication need a few hundred bytes.
const HEADER_BYTES_MAX: u32 = 16 << 10;

/// The settings of every connection.
pub(crate) fn http2(limits: &LimitsSection) -> http2::Builder<TokioExecutor> {
    let streams_max = u32::try_from(limits.streams_per_connection_max.get()).unwrap_or(u32::MAX);
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        // gRPC has no use for it, and it would cost every answer 37 bytes and a look at the clock.
        .auto_date_header(false)
        .max_concurrent_streams(streams_max)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    http2
}

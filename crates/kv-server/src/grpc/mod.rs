//! gRPC: the services of one server, and the HTTP/2 settings they are served with.

mod admin_service;
mod connection;
mod counter;
mod framing;
mod health;
mod inbound;
mod kv_service;
mod measured;
mod outbound;
mod pipeline;
mod scan;
mod services;
mod status;

use services::Services;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tonic_reflection::server::Error;

use crate::config::{Config, LimitsSection};
use crate::gate::Gate;
use crate::listener::Accepted;
use crate::protocol::{Protocol, Served};
use crate::shutdown::Drain;
use crate::workers::Seat;

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

/// gRPC as one of the server's protocols.
pub(crate) struct Grpc {
    services: Services,
    http2: http2::Builder<TokioExecutor>,
}

impl Grpc {
    /// Serves the store, once it is loaded, until the server drains.
    pub(crate) fn new(gate: &Arc<Gate>, config: &Config, drain: &Drain) -> Result<Self, Error> {
        let services = Services::new(gate, config, drain)?;
        Ok(Self { services, http2: http2(&config.limits) })
    }
}

impl Protocol for Grpc {
    fn name(&self) -> &'static str {
        "grpc"
    }

    fn serve(&self, accepted: Accepted, seat: Seat, drain: Drain) -> BoxFuture<'static, Served> {
        let (services, http2) = (self.services.clone(), self.http2.clone());
        Box::pin(async move {
            connection::serve(accepted, services, http2, drain).await;
            drop(seat);
            Served::Over
        })
    }
}

/// The settings of every connection.
fn http2(limits: &LimitsSection) -> http2::Builder<TokioExecutor> {
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

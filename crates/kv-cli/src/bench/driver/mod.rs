//! Speaks a protocol on one connection: a file for each.
//!
//! All of them work in turns: a turn sends some operations together and ends when all are answered. What is
//! done in between depends on the protocol, and the load does not.

mod grpc;
mod http;
mod resp;

use std::borrow::Cow;
use std::time::Duration;

use tokio::net::TcpStream;

use super::load::{Operation, Payload};
use super::plan::{Plan, Protocol};
use super::tally::Answer;

/// One connection.
pub(super) enum Driver {
    Resp(resp::Resp),
    Http(http::Http),
    Unary(grpc::Unary),
    Stream(grpc::Stream),
}

/// A connection that is of no use any more: how to count what it has not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(Cow<'static, str>);

impl Broken {
    /// Of this kind.
    pub(super) fn new(kind: impl Into<Cow<'static, str>>) -> Self {
        Self(kind.into())
    }

    /// The operations it has not answered failed in this way.
    pub(super) fn answer(&self) -> Answer {
        Answer::Failed(self.0.clone())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("connection: {}", error.kind()))
    }
}

/// Told the answer to an operation of a turn: its place in the turn, and the answer.
pub(super) trait Told: FnMut(usize, Answer) {}

impl<F: FnMut(usize, Answer)> Told for F {}

impl Driver {
    /// Opens a connection, and makes sure that a server answers.
    pub(super) async fn open(plan: &Plan, payload: Payload) -> Result<Self, String> {
        let opening = async {
            match plan.protocol {
                Protocol::Resp => resp::Resp::open(&plan.target, payload).await.map(Self::Resp),
                Protocol::Http => http::Http::open(&plan.target, payload).await.map(Self::Http),
                Protocol::Grpc => grpc::Unary::open(plan, payload).await.map(Self::Unary),
                Protocol::GrpcPipeline => grpc::Stream::open(plan, payload).await.map(Self::Stream),
            }
        };
        within(plan.timeout, opening).await.unwrap_or_else(|| Err("no answer in time".to_owned()))
    }

    /// Sends the operations, and tells the answer to each as it comes, in any order.
    pub(super) async fn turn(
        &mut self,
        operations: &[Operation],
        told: &mut impl Told,
    ) -> Result<(), Broken> {
        match self {
            Self::Resp(driver) => driver.turn(operations, told).await,
            Self::Http(driver) => driver.turn(operations, told).await,
            Self::Unary(driver) => driver.turn(operations, told).await,
            Self::Stream(driver) => driver.turn(operations, told).await,
        }
    }
}

/// What comes of it, unless it takes longer.
pub(super) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, what).await.ok()
}

/// A connection whose small requests are sent at once.
async fn connect(target: &str) -> Result<TcpStream, String> {
    let connecting = async {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connecting.await.map_err(|error: std::io::Error| error.to_string())
}

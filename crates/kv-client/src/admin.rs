//! Observes and manages a server.

use std::time::Duration;

use kv_proto::v1 as wire;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::limits::SNAPSHOT_TIMEOUT_DEFAULT;
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Durability, Error, Flushed, Reason, SnapshotTaken, Stats, convert};

/// Removes every key.
#[derive(Debug, Clone)]
#[must_use = "a flush does nothing until it is sent"]
pub struct Flush {
    wire: wire::FlushRequest,
    client: Client,
}

impl Flush {
    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// Sends the flush.
    ///
    /// # Errors
    /// The server refuses, or none answers.
    pub async fn send(self) -> Result<Flushed, Error> {
        let send = |to: &Target, request| {
            let mut admin = to.admin();
            async move { admin.flush(request).await }
        };
        Ok(convert::flushed(&self.client.call(Effect::Write, self.wire, send).await?))
    }
}

impl IntoFuture for Flush {
    type Output = Result<Flushed, Error>;
    type IntoFuture = futures_util::future::BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Writes a snapshot of every key to the server's disk.
#[derive(Debug, Clone)]
#[must_use = "a snapshot is not taken until it is asked for"]
pub struct Snapshot {
    timeout: Duration,
    client: Client,
}

impl Snapshot {
    /// How long it may take: an hour unless called. The client's
    /// [`request_timeout`](crate::ClientBuilder::request_timeout) does not count here. The server goes on
    /// when the time is up.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks for the snapshot and waits until it is on stable storage. It is asked for once: another would
    /// be taken after the first.
    ///
    /// # Errors
    /// [`Error::BadRequest`] with [`Reason::PersistenceOff`] when the server keeps data in memory only;
    /// [`Error::Busy`] when a snapshot is being taken already, or the disk is full; else it failed, or no
    /// server answers.
    pub async fn send(self) -> Result<SnapshotTaken, Error> {
        let send = |to: &Target| {
            let mut admin = to.admin();
            async move { admin.snapshot(wire::SnapshotRequest {}).await }
        };
        let route = self.client.pool().any();
        let taken = self.client.run_within(self.timeout, Effect::Write, route, send).await?;
        Ok(convert::snapshot_taken(taken.get_ref()))
    }
}

impl IntoFuture for Snapshot {
    type Output = Result<SnapshotTaken, Error>;
    type IntoFuture = futures_util::future::BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Client {
    /// What the server holds and has done since it started.
    ///
    /// # Errors
    /// No server answers.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let send = |to: &Target, request| {
            let mut admin = to.admin();
            async move { admin.stats(request).await }
        };
        Ok(convert::stats(self.call(Effect::Read, wire::StatsRequest {}, send).await?))
    }

    /// The server's version, for example `0.1.0`.
    ///
    /// # Errors
    /// No server answers.
    pub async fn server_version(&self) -> Result<String, Error> {
        Ok(self.stats().await?.server_version)
    }

    /// Removes every key. Versions go on growing.
    pub fn flush(&self) -> Flush {
        Flush { wire: wire::FlushRequest::default(), client: self.clone() }
    }

    /// Writes a snapshot of every key to the server's disk. Reads and writes go on meanwhile.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { timeout: SNAPSHOT_TIMEOUT_DEFAULT, client: self.clone() }
    }

    /// Asks the server, by the standard gRPC health protocol, whether it takes requests.
    ///
    /// # Errors
    /// [`Error::Busy`] when it says that it does not; else no server answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let send = |to: &Target, request| {
            let mut health = to.health();
            async move { health.check(request).await }
        };
        // The empty name stands for the server as a whole.
        let request = HealthCheckRequest { service: String::new() };
        let reply = self.call(Effect::Read, request, send).await?;
        if reply.status() == ServingStatus::Serving {
            return Ok(());
        }
        let message = format!("the server is up but takes no requests: {:?}", reply.status());
        Err(Error::Busy { reason: Reason::Unspecified, message })
    }
}

//! Everything that is known of a run before it begins.

use std::time::Duration;

use super::load::Load;
use super::pace::Pace;
use super::schedule::Schedule;

/// How the server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Protocol {
    /// The Redis protocol; the server may be another one
    Resp,
    /// HTTP/1.1, one request at a time on each connection
    Http,
    /// gRPC, a call for each operation
    Grpc,
    /// gRPC's Pipeline: a stream for each connection, a batch for each turn
    GrpcPipeline,
}

impl Protocol {
    /// What it is called on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Resp => "resp",
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::GrpcPipeline => "grpc-pipeline",
        }
    }

    /// Whether it is gRPC, in one way or the other.
    pub(crate) fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::GrpcPipeline)
    }

    /// Where a kv-server listens for it unless told otherwise.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Resp => 7379,
            Self::Http => 7381,
            Self::Grpc | Self::GrpcPipeline => kv_client::limits::PORT_DEFAULT,
        }
    }

    /// How many operations a connection has under way while keys are filled in.
    pub(crate) fn fill_depth(self) -> u32 {
        match self {
            Self::Resp | Self::GrpcPipeline => 64,
            Self::Grpc => 16,
            Self::Http => 1,
        }
    }
}

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) protocol: Protocol,
    /// `host:port`
    pub(crate) target: String,
    pub(crate) connections: u32,
    pub(crate) threads: u32,
    /// Operations that a connection sends at once.
    pub(crate) depth: u32,
    /// Operations a second over all connections; without one, each follows the answer before it.
    pub(crate) rate: Option<u64>,
    /// Operations over all connections.
    pub(crate) requests: Option<u64>,
    /// How long operations are sent and counted.
    pub(crate) duration: Option<Duration>,
    /// How long operations are sent before that, and not counted.
    pub(crate) warmup: Duration,
    /// How long one turn may take.
    pub(crate) timeout: Duration,
    /// Whether every key is written first.
    pub(crate) fill: bool,
    pub(crate) load: Load,
}

impl Plan {
    /// When a connection sends.
    pub(super) fn pace(&self, connection: u32) -> Pace {
        let schedule = |rate| Schedule::all(rate).of(connection, self.connections);
        let requests = self.requests.map(|all| share(all, connection, self.connections));
        Pace {
            schedule: self.rate.map(schedule),
            requests_max: requests.unwrap_or(u64::MAX),
            end: self.duration.map_or(Duration::MAX, |duration| self.warmup + duration),
            depth: self.depth.into(),
        }
    }
}

/// What one of several has to do of so many things, when they are dealt out in turn.
fn share(all: u64, index: u32, of: u32) -> u64 {
    let (index, of) = (u64::from(index), u64::from(of.max(1)));
    all / of + u64::from(index < all % of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_add_up() {
        for (all, of) in [(10, 3), (2, 5), (0, 4), (1_000_001, 50), (7, 1)] {
            let shares: Vec<_> = (0..of).map(|index| share(all, index, of)).collect();
            assert_eq!(shares.iter().sum::<u64>(), all);
            assert!(shares[0] - shares[shares.len() - 1] <= 1, "{shares:?}");
        }
    }
}

//! The Redis protocol: every Redis client, in any language, is a client.
//!
//! * `session` serves a connection: reads what is there, executes it, writes the answers (`input`, `scratch`,
//!   `answers`, `outbox`).
//! * `run` executes the commands of a turn: those that are one operation of the store go there together.
//! * `commands` has the table of commands, which drives everything that is said about them, and what each does.
//! * `bounds` bounds what a connection keeps.
//! * `following` and `turns` say where the time of slow turns went.
//! * `plan`, `replying` and `failure` turn what the store says into what Redis would say.

mod answers;
mod bounds;
mod client;
mod clients;
mod commands;
mod failure;
mod following;
mod glob;
mod housekeeping;
mod info;
mod input;
mod lcs;
mod outbox;
mod plan;
mod rdb;
mod replying;
mod request;
mod run;
mod saves;
mod scratch;
mod session;
mod settings;
mod shared;
mod slow_log;
mod statistics;
mod tally;
mod turn;
mod turns;
mod work;

use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tracing::debug;

use self::housekeeping::Housekeeping;
use self::session::Session;
use self::shared::Shared;
use crate::config::Config;
use crate::gate::Gate;
use crate::listener::Accepted;
use crate::places::Place;
use crate::protocol::{Leaving, Protocol, Served};
use crate::shutdown::Drain;
use crate::workers::{Mobility, Seat};

/// The version of Redis whose commands, answers and errors these are.
const REDIS_VERSION: &str = "7.2.0";

/// The Redis protocol as one of the server's protocols.
pub(crate) struct Resp {
    shared: Arc<Shared>,
    housekeeping: Housekeeping,
}

impl Resp {
    /// Serves the store, once it is loaded, until the server drains.
    pub(crate) fn new(gate: &Arc<Gate>, config: &Config, drain: &Drain) -> Self {
        let shared = Arc::new(Shared::new(gate, config, drain));
        Self { shared, housekeeping: Housekeeping::default() }
    }
}

impl Protocol for Resp {
    fn name(&self) -> &'static str {
        "resp"
    }

    fn full(&self) -> &'static [u8] {
        b"-ERR max number of clients reached\r\n"
    }

    fn mobility(&self) -> Mobility {
        Mobility::Mobile
    }

    fn serve(&self, accepted: Accepted, seat: Seat, drain: Drain) -> BoxFuture<'static, Served> {
        self.housekeeping.begin(&self.shared);
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let Accepted { stream, permit } = accepted;
            // Without it a small answer may wait for the acknowledgement of the one before.
            let session =
                stream.set_nodelay(true).and_then(|()| Session::new(stream, seat, shared));
            match session {
                Ok(session) => serve(session, permit, drain).await,
                Err(error) => broke(&error),
            }
        })
    }
}

/// A session on its way to another worker, with its place among all clients.
struct Traveller {
    session: Session,
    permit: Place,
}

impl Leaving for Traveller {
    fn go_on(self: Box<Self>, seat: Seat, drain: Drain) -> BoxFuture<'static, Served> {
        Box::pin(async move {
            let Self { session, permit } = *self;
            match session.arrive(seat) {
                Ok(session) => serve(session, permit, drain).await,
                Err(error) => broke(&error),
            }
        })
    }
}

/// Serves a client until it leaves, the server drains, or another worker is to go on.
async fn serve(mut session: Session, permit: Place, drain: Drain) -> Served {
    match session.run(drain).await {
        Some(to) => Served::Leaves { to, connection: Box::new(Traveller { session, permit }) },
        None => Served::Over,
    }
}

fn broke(error: &io::Error) -> Served {
    debug!(%error, "a connection broke");
    Served::Over
}

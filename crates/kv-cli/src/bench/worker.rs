//! A thread of a run: a runtime of its own, and its share of the connections.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};

use super::connection::{Connection, Shared};
use super::control::Control;
use super::driver::Broken;
use super::load::{Operations, Payload};
use super::plan::Plan;
use super::tally::{Errors, Tally};
use crate::stopwatch::Stopwatch;

/// What a thread has to tell.
#[derive(Debug)]
pub(super) enum Event {
    /// Its connections are open, and its keys are filled in; these were refused.
    Ready(Errors),
    /// It could not get there.
    Failed(String),
    /// All its connections are done.
    Done(Box<Tally>),
}

/// A thread, before it begins.
pub(super) struct Worker {
    pub(super) plan: Arc<Plan>,
    pub(super) control: Arc<Control>,
    pub(super) payload: Payload,
    /// The numbers of its connections, and what they do.
    pub(super) connections: Vec<(u32, Operations)>,
    pub(super) events: mpsc::Sender<Event>,
    /// When the run has begun.
    pub(super) begun: watch::Receiver<Option<Stopwatch>>,
}

impl Worker {
    /// Begins. The thread ends by itself when nobody listens any more.
    pub(super) fn spawn(self, index: u32) -> io::Result<()> {
        let name = format!("bench-{index}");
        thread::Builder::new().name(name).spawn(move || self.run()).map(drop)
    }

    fn run(self) {
        let events = self.events.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ended = match runtime {
            Ok(runtime) => LocalSet::new().block_on(&runtime, self.work()),
            Err(error) => Err(format!("cannot start a thread: {error}")),
        };
        if let Err(message) = ended {
            drop(events.blocking_send(Event::Failed(message)));
        }
    }

    async fn work(self) -> Result<(), String> {
        let shared = Rc::new(Shared {
            plan: self.plan,
            control: self.control,
            payload: self.payload,
            tally: RefCell::new(Tally::new()),
        });
        let mut connections = Vec::with_capacity(self.connections.len());
        for (number, operations) in self.connections {
            connections.push(Connection::open(number, operations, Rc::clone(&shared)).await?);
        }
        let mut refused = Errors::default();
        if shared.plan.fill {
            (connections, refused) = fill(connections).await.map_err(|error| error.to_string())?;
        }
        // Who listened has gone when one of these fails.
        drop(self.events.send(Event::Ready(refused)).await);
        let mut begun = self.begun;
        let Ok(Some(since)) = begun.wait_for(Option::is_some).await.map(|since| *since) else {
            return Ok(());
        };
        let mut running = JoinSet::new();
        for connection in connections {
            running.spawn_local(connection.run(since));
        }
        running.join_all().await;
        let tally = shared.tally.borrow().clone();
        drop(self.events.send(Event::Done(Box::new(tally))).await);
        Ok(())
    }
}

/// Fills in the keys of all connections at the same time.
async fn fill(connections: Vec<Connection>) -> Result<(Vec<Connection>, Errors), Broken> {
    let mut filling = JoinSet::new();
    for mut connection in connections {
        filling.spawn_local(async move { (connection.fill().await, connection) });
    }
    let (mut filled, mut refused) = (Vec::new(), Errors::default());
    for (outcome, connection) in filling.join_all().await {
        refused.merge(&outcome?);
        filled.push(connection);
    }
    Ok((filled, refused))
}

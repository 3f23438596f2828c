//! The admin listener's thread and runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::error;

use super::connection;
use super::pages::Pages;
use crate::build_info::BuildInfo;
use crate::config::Config;
use crate::error::StartError;
use crate::listener::{Greeting, Listener};
use crate::places::Places;
use crate::server::Server;

const KEY: &str = "server.admin_addr";
const THREAD: &str = "kv-admin";

/// Most clients at a time. One Prometheus, some health checks and a person need few; each costs 16 KiB.
const CONNECTIONS_MAX: usize = 64;

/// Serves `/metrics`, `/healthz`, `/readyz`, `/slow` and `/version` until it is dropped, which cuts connections.
#[derive(Debug)]
pub struct AdminThread {
    addr: SocketAddr,
    /// Never sent to: the thread ends when it is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Tells whether the address could be listened on.
type Started = SyncSender<Result<SocketAddr, StartError>>;

impl AdminThread {
    /// Starts it for a server that listens; `None` when `server.admin_addr` is empty.
    ///
    /// # Errors
    /// [`StartError`] names the configuration key and what helps.
    pub fn start(
        config: &Config,
        server: &Server,
        build: BuildInfo,
    ) -> Result<Option<Self>, StartError> {
        let Some(addr) = config.server.admin_addr.get() else {
            return Ok(None);
        };
        let failed = |source| StartError::Thread { name: THREAD, source };
        let gate = Arc::clone(server.gate());
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let (started, listening) = sync_channel(1);
        let run = move || {
            let pages = Arc::new(Pages::new(gate, build));
            runtime.block_on(async {
                tokio::select! {
                    () = serve(addr, &pages, started) => {}
                    _dropped = stopped => {}
                }
            });
        };
        let thread = Builder::new().name(THREAD.to_owned()).spawn(run).map_err(failed)?;
        match listening.recv() {
            Ok(Ok(addr)) => Ok(Some(Self { addr, stop: Some(stop), thread: Some(thread) })),
            Ok(Err(error)) => Err(error),
            Err(_gone) => Err(failed(std::io::Error::other("it has panicked"))),
        }
    }

    /// Where it listens, with the port that was taken when the configured one is 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for AdminThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the admin thread ended with a panic");
        }
    }
}

async fn serve(addr: SocketAddr, pages: &Arc<Pages>, started: Started) {
    let places = Places::new("admin connections", CONNECTIONS_MAX, 0);
    let (listener, told) = match Listener::bind(KEY, addr, places, Greeting::default()) {
        Ok(listener) => {
            let addr = listener.local_addr();
            (Some(listener), started.send(Ok(addr)))
        }
        Err(error) => (None, started.send(Err(error))),
    };
    let (Some(mut listener), Ok(())) = (listener, told) else { return };
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        connections.spawn(connection::serve(accepted, Arc::clone(pages)));
        while let Some(ended) = connections.try_join_next() {
            if let Err(error) = ended {
                error!(%error, "an admin connection's task failed");
            }
        }
    }
}

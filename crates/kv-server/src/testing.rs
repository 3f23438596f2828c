//! A whole server in this process, for tests: the engine, a free port, real sockets.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use kv_core::{NullJournal, ShardedStore, Store, TtlManager};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::admin::AdminThread;
use crate::backend::Backend;
use crate::build_info::BuildInfo;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::periodic_thread::PeriodicThread;
use crate::server::{Server, Stopped};
use crate::workers::Workers;

/// A running server. Dropping it cuts every connection, as a crash would.
pub struct TestServer {
    addrs: HashMap<&'static str, SocketAddr>,
    store: Arc<dyn Store>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Stopped>,
    _admin: Option<AdminThread>,
    /// None when the test's own runtime serves.
    _workers: Option<Workers>,
    /// None when the store is the test's own.
    _expiry: Option<PeriodicThread>,
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("addrs", &self.addrs).finish_non_exhaustive()
    }
}

impl TestServer {
    /// Starts a server with the default configuration in the current tokio runtime.
    ///
    /// # Panics
    /// When it cannot start.
    pub fn start() -> Self {
        Self::start_with(|_config| {})
    }

    /// Starts a server whose configuration is changed first, for example by
    /// `|config| config.set("limits.message_bytes_max", "1MiB").unwrap()`.
    ///
    /// # Panics
    /// When it cannot start.
    pub fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let config = changed(change);
        let clock = Arc::new(SystemClock::start());
        let store = ShardedStore::new(config.engine_config(fresh_seed()), NullJournal, clock);
        let store = Arc::new(store.expect("the engine accepts the configuration"));
        let due = Arc::clone(&store);
        let expiry = PeriodicThread::spawn("kv-ttl", config.engine.ttl_tick.get(), move || {
            let mut manager = TtlManager::new(Arc::clone(&due));
            move || {
                manager.tick();
            }
        });
        let expiry = expiry.expect("a thread for expiries");
        Self::serve(&config, Backend::new(store), None, Some(expiry))
    }

    /// Starts a server over a backend of the test's own, whose connections are served by two threads, and go from one
    /// to the other after each turn where they can.
    ///
    /// # Panics
    /// When it cannot start.
    pub fn start_scattered(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        let workers = Workers::start(2).expect("threads");
        workers.scatter();
        Self::serve(&changed(change), backend, Some(workers), None)
    }

    /// Starts a server over a store of the test's own.
    ///
    /// # Panics
    /// When it cannot start.
    pub fn start_over(store: Arc<dyn Store>, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_backend(Backend::new(store), change)
    }

    /// Starts a server over a backend of the test's own.
    ///
    /// # Panics
    /// When it cannot start.
    pub fn start_backend(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        Self::serve(&changed(change), backend, None, None)
    }

    fn serve(
        config: &Config,
        backend: Backend,
        workers: Option<Workers>,
        expiry: Option<PeriodicThread>,
    ) -> Self {
        let store = Arc::clone(&backend.store);
        let mut server = Server::bind(config, backend).expect("a free port to listen on");
        if let Some(workers) = &workers {
            server = server.on(workers);
        }
        let admin = AdminThread::start(config, &server, BuildInfo::new(Vec::new()));
        let admin = admin.expect("a free port to listen on");
        let admin_addr = admin.as_ref().map(|admin| ("admin", admin.local_addr()));
        let addrs = server.local_addrs().chain(admin_addr).collect();
        let (stop, stopped) = oneshot::channel::<()>();
        // A dropped sender stops the server like a sent message.
        let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
        Self {
            addrs,
            store,
            stop: Some(stop),
            serving,
            _admin: admin,
            _workers: workers,
            _expiry: expiry,
        }
    }

    /// Where gRPC is served, as clients want it: `http://127.0.0.1:PORT`.
    pub fn addr(&self) -> String {
        format!("http://{}", self.socket_addr())
    }

    /// The address of the socket where gRPC is served.
    pub fn socket_addr(&self) -> SocketAddr {
        self.socket_addr_of("grpc")
    }

    /// The address of the socket where a protocol is served: `grpc`, `http`, `resp` or `admin`.
    ///
    /// # Panics
    /// When the configuration turned that listener off.
    pub fn socket_addr_of(&self, protocol: &str) -> SocketAddr {
        *self.addrs.get(protocol).expect("the protocol's listener is on")
    }

    /// The store that is served.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Waits until the server has stopped by itself.
    ///
    /// # Panics
    /// When the server has panicked.
    pub async fn ended(mut self) -> Stopped {
        (&mut self.serving).await.expect("the server does not panic")
    }

    /// Begins a graceful stop, and goes on at once.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops the server gracefully, as `SIGTERM` does.
    ///
    /// # Panics
    /// When the server has panicked.
    pub async fn stop(mut self) -> Stopped {
        self.begin_stop();
        (&mut self.serving).await.expect("the server does not panic")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn changed(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    for listener in ["resp", "grpc", "http", "admin"] {
        let key = format!("server.{listener}_addr");
        config.set(&key, "127.0.0.1:0").expect("an address");
    }
    config.set("engine.shards", "16").expect("a power of two");
    change(&mut config);
    config
}

/// Differs from server to server, so that cursors of one are strange to another.
fn fresh_seed() -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(0)
}

//! A server's life: everything is started in order, and stopped in the other.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use kv_core::{Journal, NullJournal, ShardedStore, Store, TtlManager};
use kv_server::{
    AdminThread, Backend, BuildInfo, Config, DataDir, PeriodicThread, Readiness, Server,
    StopSignals, Stopped, SystemClock, Workers,
};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use super::descriptors;
use super::durable::{Durable, Running};
use crate::allocator;

/// How often memory that nobody uses any more is given back to the system.
const GIVE_BACK_PERIOD: Duration = Duration::from_millis(100);

/// How often a thread that serves connections gathers the pages that have become free of its own.
const GATHER_PERIOD: Duration = Duration::from_secs(1);

/// The engine of this program. Which journal it writes to is known only when it runs.
pub(super) type Engine = ShardedStore<Arc<dyn Journal>, Arc<SystemClock>>;

/// Serves until a signal, or until what was kept turns out to be unusable.
pub(crate) fn run(config: &Config, clock: &Arc<SystemClock>) -> anyhow::Result<()> {
    let _held = DataDir::open(config.data_dir.path())?;
    descriptors::raise_limit(config.limits.connections_max.get());
    let workers = Workers::start(config.server.thread_count())
        .context("cannot start the threads that serve connections")?;
    let _memory = give_memory_back(&workers)?;
    workers.poll_busily(config.server.busy_poll());
    // Accepts connections, and sees to the end.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot watch for connections and signals")?;
    let served = if config.persist.enabled {
        runtime.block_on(serve_durable(config, &workers, clock))
    } else {
        warn!("persist.enabled = false: data is lost when the server stops");
        runtime.block_on(serve_in_memory(config, &workers, clock))
    };
    runtime.shutdown_background();
    served
}

async fn serve_in_memory(
    config: &Config,
    workers: &Workers,
    clock: &Arc<SystemClock>,
) -> anyhow::Result<()> {
    let store = engine(config, fresh_seed(), Arc::new(NullJournal), clock)?;
    let _expiry = remove_expired(config, &store, clock)?;
    let signals = catch_signals()?;
    let backend = Backend::new(Arc::clone(&store) as Arc<dyn Store>);
    let server = Server::bind(config, backend)?.on(workers);
    let _admin = listen(config, &server)?;
    info!(version = env!("CARGO_PKG_VERSION"), "ready");
    let _stopped: Stopped = serve(server, signals, None).await;
    // The process ends: freeing every key one by one would only delay that.
    std::mem::forget(store);
    Ok(())
}

/// Listens at once and answers that it is loading, until everything that was kept is there.
async fn serve_durable(
    config: &Config,
    workers: &Workers,
    clock: &Arc<SystemClock>,
) -> anyhow::Result<()> {
    let durable = Arc::new(Durable::open(config, clock, fresh_seed())?);
    let readiness = Readiness::loading();
    let backend = Backend::new(Arc::clone(durable.store()) as Arc<dyn Store>)
        .persistence(Arc::clone(&durable) as _)
        .readiness(readiness.clone());
    let signals = catch_signals()?;
    let server = Server::bind(config, backend)?.on(workers);
    // Answers until everything below is done.
    let _admin = listen(config, &server)?;
    let (failed, failure) = oneshot::channel();
    let has_failed = Arc::new(AtomicBool::new(false));
    let started = {
        let (has_failed, readiness) = (Arc::clone(&has_failed), readiness.clone());
        let (durable, config, clock) = (Arc::clone(&durable), config.clone(), Arc::clone(clock));
        thread::Builder::new().name("kv-load".to_owned()).spawn(move || {
            let started = start(&durable, &config, &clock, &readiness);
            has_failed.store(started.is_err(), Ordering::Release);
            if started.is_err() && failed.send(()).is_err() {
                debug!("the server stops already");
            }
            started
        })
    };
    let started = started.context("cannot start the thread that loads what was kept")?;
    let stopped = serve(server, signals, Some(failure)).await;
    if !readiness.is_ready() && !has_failed.load(Ordering::Acquire) {
        // Nothing was written, and nothing can be any more: what is half loaded can be left behind.
        return Ok(());
    }
    let started = started.join().map_err(|_panic| anyhow!("loading what was kept has panicked"))?;
    let (running, expiry) = started?;
    drop(expiry);
    let final_snapshot = stopped.final_snapshot.is_wanted(config.persist.snapshot_on_shutdown);
    let closed = {
        let durable = Arc::clone(&durable);
        // Elsewhere, so that a second signal is heard meanwhile.
        tokio::task::spawn_blocking(move || durable.stop(running, final_snapshot)).await
    };
    std::mem::forget(durable);
    closed.context("ending the log or the last snapshot has panicked; please report this")?
}

/// Makes sure that the engine accepts the configuration.
pub(crate) fn check(config: &Config, clock: &Arc<SystemClock>) -> anyhow::Result<()> {
    engine(config, fresh_seed(), Arc::new(NullJournal), clock).map(drop)
}

/// Everything that comes after listening and before serving.
fn start(
    durable: &Durable,
    config: &Config,
    clock: &Arc<SystemClock>,
    readiness: &Readiness,
) -> anyhow::Result<(Running, PeriodicThread)> {
    let running = durable.start(config, clock, readiness)?;
    let expiry = remove_expired(config, durable.store(), clock)?;
    readiness.ready();
    info!(version = env!("CARGO_PKG_VERSION"), "ready");
    Ok((running, expiry))
}

pub(super) fn engine(
    config: &Config,
    seed: u64,
    journal: Arc<dyn Journal>,
    clock: &Arc<SystemClock>,
) -> anyhow::Result<Arc<Engine>> {
    Ok(Arc::new(ShardedStore::new(config.engine_config(seed), journal, Arc::clone(clock))?))
}

/// Seeded by the operating system: clients must not be able to foresee hashes.
pub(super) fn fresh_seed() -> u64 {
    RandomState::new().hash_one("engine")
}

fn remove_expired(
    config: &Config,
    store: &Arc<Engine>,
    clock: &Arc<SystemClock>,
) -> anyhow::Result<PeriodicThread> {
    let (due, clock) = (Arc::clone(store), Arc::clone(clock));
    PeriodicThread::spawn("kv-ttl", config.engine.ttl_tick.get(), move || {
        let (mut manager, clock) = (TtlManager::new(Arc::clone(&due)), Arc::clone(&clock));
        move || {
            manager.tick();
            clock.follow_wall_clock();
        }
    })
    .context("cannot start the thread that removes expired keys")
}

/// Has memory go back to the system, for as long as the answer lives. See ADR-0008.
fn give_memory_back(workers: &Workers) -> anyhow::Result<PeriodicThread> {
    // What a thread has allocated only that thread can gather: it does so when it has little else to do.
    workers.each_does_when_idle(GATHER_PERIOD, allocator::give_back);
    PeriodicThread::spawn("kv-memory", GIVE_BACK_PERIOD, || allocator::give_back)
        .context("cannot start the thread that gives memory back")
}

fn catch_signals() -> anyhow::Result<StopSignals> {
    StopSignals::catch().context("cannot catch signals")
}

/// Starts the admin listener, and tells what is listened on.
fn listen(config: &Config, server: &Server) -> anyhow::Result<Option<AdminThread>> {
    let build = BuildInfo::new(kv_persist::FORMAT_VERSIONS.to_vec());
    let admin = AdminThread::start(config, server, build)?;
    let admin_addr = admin.as_ref().map(|admin| ("admin", admin.local_addr()));
    for (protocol, addr) in server.local_addrs().chain(admin_addr) {
        info!(protocol, %addr, "listening");
    }
    Ok(admin)
}

/// Serves until a signal, until a client asks for the end, or until loading fails.
async fn serve(
    server: Server,
    mut signals: StopSignals,
    failure: Option<oneshot::Receiver<()>>,
) -> Stopped {
    let failed = async move {
        let told = match failure {
            Some(failure) => failure.await.is_ok(),
            None => false,
        };
        if !told {
            std::future::pending::<()>().await;
        }
    };
    let (stop, stopping) = oneshot::channel::<()>();
    // A dropped sender stops the server like a sent message.
    let mut serving = pin!(server.serve(async move { drop(stopping.await) }));
    let stopped = tokio::select! {
        stopped = &mut serving => stopped,
        signal = signals.next() => {
            info!(signal, "stopping; a second signal stops at once");
            tokio::spawn(stop_at_once(signals));
            drop(stop);
            serving.await
        }
        () = failed => {
            error!("what was kept cannot be loaded");
            drop(stop);
            serving.await
        }
    };
    info!(connections_cut = stopped.connections_cut, "stopped");
    stopped
}

async fn stop_at_once(mut signals: StopSignals) {
    let signal = signals.next().await;
    warn!(signal, "stopped at once by a second signal");
    std::process::exit(crate::EXIT_FAILED.into());
}

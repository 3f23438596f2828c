//! The composition root: the only place where the server meets its engine, clock and journal.

#![forbid(unsafe_code)]

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use kv_core::{NullJournal, ShardedStore, TtlManager};
use kv_server::{
    Args, Backend, Config, DataDir, ExpiryThread, Server, StopSignals, SystemClock, telemetry,
};
use mimalloc::MiMalloc;
use tokio::runtime::Runtime;
use tracing::{error, info, warn};

/// Freeing millions of entries must not stall anyone: see ADR-0008.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The engine of this binary.
type Engine = ShardedStore<NullJournal, Arc<SystemClock>>;

/// The server could not start or serve.
const EXIT_FAILED: u8 = 1;

/// The command line or the configuration is not valid. clap exits with the same code.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::from_command_line(std::env::args_os());
    let clock = Arc::new(SystemClock::start());
    let (config, store) = match configure(&args, Arc::clone(&clock)) {
        Ok(configured) => configured,
        Err(error) => return refuse(&error, EXIT_USAGE),
    };
    if args.check_config {
        return print(&config.to_toml());
    }
    if let Err(error) = telemetry::init(&config.log) {
        return refuse(&error.into(), EXIT_FAILED);
    }
    match run(&config, &store, clock) {
        Ok(()) => {
            // The process ends: freeing every key one by one would only delay that.
            std::mem::forget(store);
            ExitCode::SUCCESS
        }
        Err(error) => {
            error!("{error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn configure(args: &Args, clock: Arc<SystemClock>) -> anyhow::Result<(Config, Arc<Engine>)> {
    let config = Config::load(&args.sources(std::env::vars_os())?)?;
    // Seeded by the operating system: clients must not be able to foresee hashes.
    let seed = RandomState::new().hash_one("engine");
    let store = ShardedStore::new(config.engine_config(seed), NullJournal, clock)?;
    Ok((config, Arc::new(store)))
}

fn run(config: &Config, store: &Arc<Engine>, clock: Arc<SystemClock>) -> anyhow::Result<()> {
    let _held = DataDir::open(config.data_dir.path())?;
    warn!("this version keeps data in memory only: it is lost when the server stops");
    let due = Arc::clone(store);
    let _expiry = ExpiryThread::spawn(config.engine.ttl_tick.get(), move || {
        let (mut manager, clock) = (TtlManager::new(Arc::clone(&due)), Arc::clone(&clock));
        move || {
            manager.tick();
            clock.follow_wall_clock();
        }
    })
    .map_err(|error| anyhow!("cannot start the thread that removes expired keys: {error}"))?;
    let runtime = Runtime::new()
        .map_err(|error| anyhow!("cannot start the threads that serve connections: {error}"))?;
    let served = runtime.block_on(serve(config, Arc::clone(store)));
    runtime.shutdown_background();
    served
}

async fn serve(config: &Config, store: Arc<Engine>) -> anyhow::Result<()> {
    let mut signals =
        StopSignals::catch().map_err(|error| anyhow!("cannot catch signals: {error}"))?;
    let server = Server::bind(config, Backend::new(store))?;
    info!(protocol = "grpc", addr = %server.local_addr(), "listening");
    info!(version = env!("CARGO_PKG_VERSION"), "ready");
    let stopped = server.serve(async move {
        let signal = signals.next().await;
        info!(signal, "stopping; a second signal stops at once");
        tokio::spawn(stop_at_once(signals));
    });
    let cut = stopped.await.connections_cut;
    info!(connections_cut = cut, "stopped");
    Ok(())
}

async fn stop_at_once(mut signals: StopSignals) {
    let signal = signals.next().await;
    warn!(signal, "stopped at once by a second signal");
    std::process::exit(EXIT_FAILED.into());
}

/// Prints to standard output; a reader that has gone away is not worth an error.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refuse(&error.into(), EXIT_FAILED),
    }
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn refuse(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("kv-server: {error}");
    ExitCode::from(code)
}

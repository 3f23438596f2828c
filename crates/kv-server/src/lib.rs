//! The kv server: gRPC over kv-core's [`Store`](kv_core::Store), as a library and as a binary.
//!
//! * [`Config`] is read from defaults, a file, the environment and flags.
//! * [`Server`] listens, serves and drains. It knows the `Store` trait, not an engine.
//! * [`Backend`] is what it serves: a store, its [`Persistence`] and its [`Readiness`].
//! * [`SystemClock`], [`PeriodicThread`], [`DataDir`] and [`telemetry`] are what a process that serves
//!   needs beside; `main.rs`, the composition root, joins them with an engine.
//!
//! ```text
//! Endpoint ── TcpStream + place ──▶ Protocol (grpc) ── Op ──▶ Gate ──▶ dyn Store
//!    ▲                                  ▲                      │ what the answer waits for
//!    └── Drain stops the accepting      └── Drain ends it       ▼
//!                                           gracefully      dyn Progress
//! ```

#![forbid(unsafe_code)]

mod admin;
mod args;
mod backend;
mod budget;
mod build_info;
mod clock;
mod config;
mod contract;
mod data_dir;
mod descriptors;
mod endpoint;
mod error;
mod gate;
mod grpc;
mod http;
mod lingering;
mod listener;
mod metrics;
mod patience;
mod periodic_thread;
mod persistence;
mod places;
mod promise;
mod protocol;
mod readiness;
mod relay;
mod resp;
mod server;
mod serving;
mod shutdown;
mod signals;
mod slow;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod waiting;
mod woken;
mod workers;

pub use admin::AdminThread;
pub use args::{Args, Command};
pub use backend::Backend;
pub use build_info::BuildInfo;
pub use clock::SystemClock;
pub use config::{
    Config, ConfigError, Count, Directory, ENV_PREFIX, EngineSection, FsyncMode, LimitsSection,
    ListenAddr, LogFilter, LogFormat, LogSection, OrOff, Origins, PersistSection, PowerOfTwo,
    Problem, RespSection, ServerSection, Size, Source, Sources, Span, Threshold,
};
pub use data_dir::{DataDir, DataDirError, IdleDataDir};
pub use descriptors::connections_possible;
pub use error::StartError;
pub use periodic_thread::PeriodicThread;
pub use persistence::{
    LastSnapshot, LatestSync, Persistence, PersistenceStats, SnapshotError, SnapshotTaken,
};
pub use readiness::Readiness;
pub use server::{Server, Stopped};
pub use shutdown::FinalSnapshot;
pub use signals::StopSignals;
pub use workers::Workers;

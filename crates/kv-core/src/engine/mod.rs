//! The engine: a store of many shards, each a table with its TTL index and eviction policy under one
//! lock.
//!
//! The store ([`ShardedStore`]) orchestrates and holds no data; shards alone do. `evaluate` says what
//! an operation means, `shard` executes it, `memory` keeps the limit, `room` finds victims when it is
//! reached, `ttl` looks after keys whose time has come.

mod atomic;
mod batch;
mod cell;
mod config;
mod entry;
mod evaluate;
mod footprints;
mod halt;
mod hasher;
mod image;
mod iterate;
mod lag;
mod memory;
#[cfg(all(test, kv_loom))]
mod memory_loom_tests;
mod replay;
mod room;
mod sample;
mod settings;
mod shard;
mod store;
mod stored;
mod table;
mod transfer;
mod ttl;
mod wheel;

pub(crate) use memory::allocated_bytes;

pub use config::{ConfigError, EngineConfig};
pub use store::ShardedStore;
pub use ttl::{TickReport, TtlManager};

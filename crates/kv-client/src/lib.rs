//! Async client of kv: typed calls, batches, pipelines, scans, retries.
//!
//! ```no_run
//! use std::time::Duration;
//! use kv_client::{Client, Error};
//!
//! # async fn example() -> Result<(), Error> {
//! let client = Client::connect("http://127.0.0.1:7380").await?;
//! client.set("greeting", "hello").ttl(Duration::from_secs(60)).await?;
//! if let Some(entry) = client.get("greeting").await? {
//!     println!("{:?} at version {}", entry.value, entry.version);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] is a cheap handle: clone it into every task. Keys and values are bytes; whatever
//! implements [`IntoBytes`] will do. Each operation is a value with options that is sent by `.await`
//! or `.send().await`. The `examples` folder of this crate has a runnable program per feature.
//!
//! # What is repeated, and when
//!
//! A call has one deadline ([`ClientBuilder::request_timeout`]) over all attempts, of which there are
//! at most [`RetryPolicy::attempts_max`], with pauses that double and are jittered between them. With
//! several addresses each attempt goes to the next one.
//!
//! | What went wrong | `get exists batch_get scan stats ping` | writes |
//! |---|---|---|
//! | no connection could be opened | repeated | repeated: nothing was sent |
//! | the server went away before it looked at the call | repeated | repeated: nothing was executed |
//! | what answers is no gRPC server | [`Error::Unreachable`] | [`Error::Unreachable`] |
//! | the connection broke | repeated | [`Error::OutcomeUnknown`] |
//! | the deadline passed | [`Error::TimedOut`] | [`Error::OutcomeUnknown`] |
//! | the server has no room or shuts down ([`Error::Busy`]) | repeated | returned |
//! | the server is loading ([`Error::Busy`] with [`Reason::Loading`]) | repeated | repeated: nothing was executed |
//! | the server's log has failed ([`Error::DurabilityUnknown`]) | returned | returned |
//! | the server refused the request | returned | returned |
//!
//! A write that may have been executed is never sent again, not even a plain `set`: a second one would take
//! a new version, start its TTL anew, and could undo what another client wrote in between.
//!
//! Connections live in the runtime that the client was made in; calls may be made from any.
//!
//! What the caller can do about an error is its [`ErrorKind`].

#![forbid(unsafe_code)]

mod address;
mod admin;
mod batch;
mod builder;
mod client;
mod convert;
mod error;
mod into_bytes;
pub mod limits;
pub mod op;
mod pipeline;
mod pool;
mod reason;
mod retry;
mod scan;
mod status;
mod transport;
mod types;

pub use admin::{Flush, Snapshot};
pub use batch::{Batch, BatchReply, Reply};
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{ConfigError, Error, ErrorKind};
pub use into_bytes::IntoBytes;
pub use pipeline::{Pipeline, PipelineBuilder, PipelineReceiver, PipelineSender};
pub use reason::Reason;
pub use retry::RetryPolicy;
pub use scan::{Scan, ScanEntries, ScanPages};
pub use types::{
    Appended, Cursor, Deleted, Durability, Entry, ExpireRule, Expired, Flushed, Incremented,
    KeyState, Meta, PersistenceStats, ScanEntry, ScanPage, SnapshotStats, SnapshotTaken, Stats,
    Version, Written,
};

//! The admin listener: metrics, health and version over HTTP, on a thread of its own.
//!
//! It shares neither threads nor places for connections with the protocols that serve data, so that it
//! answers while those are saturated; and it answers from before anything is loaded until after everything
//! is drained.
//!
//! * `thread` is the thread, its runtime and its end.
//! * `connection` serves one client, within bounds.
//! * `pages` are what there is to see; a `page` is one answer.

mod connection;
mod page;
mod pages;
mod thread;

pub use thread::AdminThread;

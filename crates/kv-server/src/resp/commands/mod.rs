//! The commands: one table of them, a family per file.
//!
//! A command that is one operation of the store is a function from a request to a `Plan`. Any other is given a
//! `Call`, with the connection and the store, and writes its answer itself. To add one, write its row and its
//! function in the file of its family.

#![expect(clippy::unnecessary_wraps, reason = "whether a command can fail is its own affair")]

mod batches;
mod call;
mod client;
mod command;
mod config;
mod connection;
mod dump;
mod expiry;
mod help;
mod info;
mod keys;
mod lcs;
mod lifetime;
mod memory;
mod numbers;
mod object;
mod rename;
mod row;
mod saving;
mod scan;
mod server;
mod shutdown;
mod slow_log;
mod strings;
mod table;
mod wait;

pub(super) use call::{After, Call, Later};
pub(super) use config::policy_name;
pub(super) use row::{Command, Flags, Run};
pub(super) use saving::last_save_s;
pub(super) use table::{numbered, resolve};

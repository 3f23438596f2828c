//! The commands: one table of them, a family per file.
//!
//! A command that is one operation of the store is a function from a request to a `Plan`. Any other is given a
//! `Call`, with the connection and the store, and writes its answer itself. To add one, write its row and its
//! function in the file of its family.

mod batches;
mod call;
mod client;
mod commands;
mod config;
mod connection;
mod dump;
mod expiry;
mod help;
mod keys;
mod lifetime;
mod numbers;
mod rename;
mod row;
mod scan;
mod server;
mod strings;
mod table;
mod wait;

pub(super) use call::{After, Call, Later};
pub(super) use row::{Command, Flags, Run};
pub(super) use table::resolve;

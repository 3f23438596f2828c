//! The HTTP API over real sockets.

mod batches;
mod bodies;
mod browsers;
mod conditions;
mod connections;
mod durability;
mod http2;
mod keys;
mod listing;
mod malformed;
mod media_types;
mod operations;
mod overload;
mod pipelining;
mod ranges;
mod slow_clients;
mod unavailable;
mod values;

//! What protocols cost: `cargo xtask bench protocols`.

mod background;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod idle;
pub(crate) mod large;
pub(crate) mod latency;
mod machine;
pub(crate) mod metrics;
mod paced_calls;
mod paced_grpc;
pub(crate) mod peers;
mod pipelined;
mod processors;
pub(crate) mod resp;
pub(crate) mod tails;

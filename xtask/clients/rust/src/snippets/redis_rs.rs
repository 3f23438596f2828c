//! What docs/clients.md shows of redis-rs, as a program.

include!(concat!(env!("OUT_DIR"), "/redis-rs.rs"));

//! The only place where wire types and kv-core types are translated into each other.

mod enums;
mod reply;
mod request;

pub(crate) use enums::{durability, wire_durability};
pub(crate) use reply::{
    append_response, delete_response, exists_response, expire_response, get_response,
    increment_response, op_result, persistence_stats, raise_achieved, scan_response, set_response,
    stats_response, unmet_result, wire_achieved, wire_ttl,
};
pub(crate) use request::{
    append, delete, exists, expire, get, get_key, increment, op, persist, scan_cursor, set,
};

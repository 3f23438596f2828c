//! The server as clients and operators meet it: real sockets, real processes. One behaviour per file; one
//! binary, because each one more costs seconds of linking.

mod support;

mod admin;
mod admin_pages;
mod admin_saturated;
mod answers_carry_version_and_ttl;
mod answers_over_the_message_limit;
mod atomic_batches;
mod conditions;
mod config_check;
mod config_precedence;
mod config_refused;
mod connection_limit;
mod crash;
mod cursors_of_other_servers;
mod data_dir_tools;
mod diff;
mod disk_full;
mod drain;
mod durability;
mod durable_answers;
mod expiries;
mod failed_log;
mod health;
mod increments;
mod independent_batches;
mod keys_refused;
mod loading;
mod malformed_input;
mod messages_over_the_limit;
mod metrics_page;
mod out_of_memory;
mod overload;
mod panics_are_contained;
mod pipeline;
mod pipeline_ahead;
mod process;
mod reflection;
mod scan;
mod silent_connections;
mod start_refused;
mod streams_limit;
mod unknown_enum_values;
mod values_refused;

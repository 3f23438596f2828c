//! What the client does on the wire: against a real server, and against one that misbehaves on command.

#![forbid(unsafe_code)]

#[cfg(test)]
mod examples;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod kept_values;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod scan;
#[cfg(test)]
mod server;

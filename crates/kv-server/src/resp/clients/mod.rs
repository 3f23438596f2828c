//! Who is connected: what each client says of itself, what it does, and how to get rid of it.
//!
//! A connection tells about itself once per turn, not per command; whoever asks reads what it told last.
//!
//! * `registry` knows every connection; `record` is what is known of one.
//! * `line` shows a connection as `CLIENT LIST` does.

mod line;
mod record;
mod registry;

pub(crate) use line::{RECORD_BYTES, line};
pub(crate) use record::{Label, Peer, Record};
pub(crate) use registry::{Clients, Registered};

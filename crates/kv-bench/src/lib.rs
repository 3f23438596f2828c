//! What the benchmarks of all crates record, and how it lies in files.
//!
//! A benchmark program takes [`Arguments`], measures [`Figure`]s, prints tables of them, and gives each row of
//! its tables to a [`Recorder`] as a [`Measured`]. With `--json FILE` the recorder appends one line of JSON for
//! each; `cargo xtask bench` reads the lines back as [`Record`]s. Both sides share these types, so that
//! neither can change the format alone. Nothing that is shipped depends on this crate.

#![forbid(unsafe_code)]

mod arguments;
mod figure;
mod measured;
mod origin;
mod record;
mod recorder;

pub use arguments::{Arguments, ArgumentsError, Form};
pub use figure::Figure;
pub use measured::{Better, Compare, Measured, Peer, Target};
pub use origin::{Origin, load_average};
pub use record::{Record, RecordError, Row, Skipped, parse};
pub use recorder::Recorder;

//! The operator's tools for a data directory: check it, repair it, print its files.
//!
//! * [`check()`] reads everything and says what a start would do. It reads with recovery's own code, into a
//!   store that keeps nothing, so that the two cannot disagree.
//! * [`Repair`] plans what to give up so that a start succeeds, and carries it out without destroying
//!   anything: originals are put aside.
//! * [`dump()`] shows what one file holds.
//!
//! Whoever calls them sees to it that no server uses the directory meanwhile.

mod aside;
mod check;
mod dump;
mod error;
mod loss;
mod nowhere;
mod plan;
mod progress;
mod repair;
mod report;
mod runs;
mod survey;

pub use check::check;
pub use dump::{DumpEnd, DumpError, Dumped, dump};
pub use error::ToolError;
pub use loss::{KEYS_COUNTED_MAX, Loss};
pub use plan::{Keeps, Step};
pub use progress::ToolProgress;
pub use repair::Repair;
pub use report::{CheckReport, FileReport, FileState, Start};

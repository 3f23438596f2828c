//! The log: segments of batches of records.

pub(crate) mod batch;
pub(crate) mod error;
pub(crate) mod extent;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod segment;
mod tail;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod testing;
pub(crate) mod walk;
mod window;

pub use error::{LogDamage, LogError};
pub use extent::{LogEnd, LogNeeds, LogPosition, SegmentExtent, TornTail};

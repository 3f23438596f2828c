//! The log: segments of batches of records.

pub(crate) mod batch;
pub(crate) mod record;
pub(crate) mod segment;

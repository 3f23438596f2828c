//! Requests that took long: where their time went, and what ran beside them.
//!
//! A request is slow from `log.slow_threshold` on, counted from when it was there as a whole until its answer was
//! given to the system. Nothing is remembered of the others, and nothing is measured that was not measured already:
//!
//! * RESP follows turns, in `resp::turns`: those that are answered at once cost nothing, those whose answers have to
//!   wait an allocation or two.
//! * gRPC and HTTP follow requests with a [`Following`], to which those who wait on its behalf [`tell`] how long.
//! * [`SlowRequests`] keeps what was slow, bounded by `log.slow_entries`, writes lines to the log and counts.

mod beside;
mod counts;
mod following;
mod line;
mod request;
mod requests;
pub(crate) mod tell;
mod words;

pub(crate) use counts::SlowCounts;
pub(crate) use following::{Answered, Caller, Following, Named};
pub(crate) use request::{Over, Phases};
pub(crate) use requests::SlowRequests;
pub(crate) use words::Words;

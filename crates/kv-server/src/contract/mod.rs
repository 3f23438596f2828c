//! The messages of the contract (`kv.v1`), whatever carries them: frames of gRPC or bodies of HTTP.
//!
//! A message becomes operations (`convert`), which are executed one by one ([`Shared`]), as a [`batch`] or as
//! pages of a [`scan`], so that the answer fits in a message again (`room`). What stands in the way is a
//! [`Refusal`], with the code and the reason that the contract has for it.

pub(crate) mod batch;
pub(crate) mod convert;
mod reason;
mod refusal;
mod room;
pub(crate) mod scan;
mod shared;

pub(crate) use reason::{error_kind, of_refusal};
pub(crate) use refusal::Refusal;
pub(crate) use shared::Shared;

//! `/v1/kv/{key}`: one key.

mod delete;
mod get;
mod post;
mod put;

pub(super) use delete::delete;
pub(super) use get::get;
pub(super) use post::post;
pub(super) use put::put;

use hyper::http::request::Parts;

use super::expiry::contradiction;
use super::media::Media;
use super::problem::{Problem, Reason};

/// The key and the head of a request about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) key: &'a [u8],
    pub(super) parts: &'a Parts,
}

/// The forms of an answer to a body of this form: the same is preferred.
fn offers(media: Media) -> Vec<Media> {
    let others = Media::OF_VALUES.iter().copied().filter(|other| *other != media);
    std::iter::once(media).chain(others).collect()
}

/// Reads a Protobuf message.
fn decoded<M: prost::Message + Default>(body: bytes::Bytes) -> Result<M, Problem> {
    M::decode(body).map_err(|error| {
        Problem::new(Reason::BadBody, format!("the body is not the message it should be: {error}"))
    })
}

/// A message about a key in a path need not name it, and may not name another.
fn check_key(in_body: &[u8], in_path: &[u8]) -> Result<(), Problem> {
    if in_body.is_empty() || in_body == in_path {
        return Ok(());
    }
    Err(contradiction("the message names another key than the path: leave its key out"))
}

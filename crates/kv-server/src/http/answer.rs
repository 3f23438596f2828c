//! Answers that are not problems: their bodies, and the headers that tell of a key.

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use kv_core::{Durability, Version};
use prost::Message;

use super::content::Content;
use super::etag;
use super::json::ToJson;
use super::media::Media;

/// The level that a write has reached, and as a request's header the level to reach at least.
pub(super) const KV_DURABILITY: HeaderName = HeaderName::from_static("kv-durability");

/// The remaining time to live, in milliseconds; missing when the key has none.
pub(super) const KV_TTL_MS: HeaderName = HeaderName::from_static("kv-ttl-ms");

/// The version that a write has given to the key.
pub(super) const KV_VERSION: HeaderName = HeaderName::from_static("kv-version");

/// Not to be kept by any cache.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// May be kept, and must be asked for each time, which its entity tag makes cheap.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// A header's value from text that the program has made.
pub(super) fn value_of(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// An answer without content.
pub(super) fn empty(status: StatusCode) -> Response<Content> {
    let mut response = Response::new(Content::default());
    *response.status_mut() = status;
    response
}

/// An answer whose content is a message of the contract. There are no values of the form `Raw` here.
pub(super) fn message(
    status: StatusCode,
    media: Media,
    message: &(impl Message + ToJson),
) -> Response<Content> {
    let content = match media {
        Media::Raw | Media::Json => message.to_json(),
        Media::XProtobuf | Media::Protobuf => Bytes::from(message.encode_to_vec()),
    };
    content_of(status, media, content)
}

/// An answer with content of this form.
pub(super) fn content_of(status: StatusCode, media: Media, content: Bytes) -> Response<Content> {
    let mut response = Response::new(Content::new(content));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, media.header());
    response
}

/// Tells how long a key lives on, and how long its answer may be kept for: as long, in whole seconds. A key
/// without expiry may change at any time, so that caches are told to ask.
pub(super) fn write_lifetime(headers: &mut HeaderMap, ttl_ms: Option<u64>) {
    match ttl_ms {
        None => headers.insert(header::CACHE_CONTROL, NO_CACHE),
        Some(ttl_ms) => {
            headers.insert(KV_TTL_MS, HeaderValue::from(ttl_ms));
            headers.insert(header::CACHE_CONTROL, value_of(format!("max-age={}", ttl_ms / 1000)))
        }
    };
}

/// Tells what a write has done.
pub(super) fn write_outcome(
    headers: &mut HeaderMap,
    version: Version,
    ttl_ms: Option<u64>,
    achieved: Durability,
) {
    headers.insert(KV_VERSION, HeaderValue::from(version.get()));
    headers.insert(KV_DURABILITY, HeaderValue::from_static(level_name(achieved)));
    if let Some(ttl_ms) = ttl_ms {
        headers.insert(KV_TTL_MS, HeaderValue::from(ttl_ms));
    }
}

/// The entity tag of this form of a key's value.
pub(super) fn etag_of(media: Media, version: Version) -> HeaderValue {
    match media {
        Media::Raw => etag::strong(version),
        Media::Json | Media::XProtobuf | Media::Protobuf => etag::weak(version),
    }
}

/// A level's name in headers and queries.
pub(super) fn level_name(level: Durability) -> &'static str {
    match level {
        Durability::Memory => "memory",
        Durability::Buffered => "buffered",
        Durability::Fsync => "fsync",
    }
}

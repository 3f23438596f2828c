//! Errors as RFC 9457 problem documents.

mod reason;

pub(super) use reason::Reason;

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use kv_core::Version;
use serde::Serialize;

use super::answer;
use super::content::Content;
use super::etag;
use crate::contract::Refusal;
use crate::promise::Unkept;
use crate::readiness::Loading;

/// The media type of a problem document.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request is refused: for programs, for people, and what its answer says in headers beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    reason: Reason,
    detail: Cow<'static, str>,
    more: More,
}

/// What a problem tells beside its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Nothing,
    /// Methods that the resource has.
    Allow(&'static str),
    /// Media types that would have been understood.
    Accept(&'static str),
    /// No content coding but `identity` is understood.
    AcceptIdentity,
    /// Length of the value that the range is not in.
    Length(u64),
    /// The key's version; `None` when it does not exist.
    Present(Option<Version>),
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

impl Problem {
    /// A problem with what went wrong and what is allowed.
    pub(super) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), more: More::Nothing }
    }

    /// A resource that does not have this method.
    pub(super) fn method(method: &str, allow: &'static str) -> Self {
        let detail = format!("{method} is not possible here: allowed are {allow}");
        Self { more: More::Allow(allow), ..Self::new(Reason::MethodNotAllowed, detail) }
    }

    /// A body of a type that is not understood.
    pub(super) fn media_type(given: &str, accept: &'static str) -> Self {
        let detail = format!("Content-Type {given:?} is not understood here: allowed are {accept}");
        Self { more: More::Accept(accept), ..Self::new(Reason::UnsupportedMediaType, detail) }
    }

    /// A body that is compressed.
    pub(super) fn coding(given: &str) -> Self {
        let detail = format!(
            "Content-Encoding {given:?} would be lost, because values are kept as bytes and nothing \
             else: send the body as it is, or leave the header out to store the compressed bytes"
        );
        Self { more: More::AcceptIdentity, ..Self::new(Reason::UnsupportedMediaType, detail) }
    }

    /// A range that is not in a value of this length.
    pub(super) fn range(length: u64) -> Self {
        let detail = format!("the range is not within the value's {length} bytes");
        Self { more: More::Length(length), ..Self::new(Reason::RangeNotSatisfiable, detail) }
    }

    /// A precondition that does not hold for the key as it is.
    pub(super) fn precondition(
        present: Option<Version>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { more: More::Present(present), ..Self::new(Reason::PreconditionFailed, detail) }
    }

    /// A key that does not exist.
    pub(super) fn key_not_found() -> Self {
        Self::new(Reason::KeyNotFound, "the key does not exist, or has expired")
    }

    /// Whether it is about a key that does not exist, and its preconditions.
    pub(super) fn is_of_absent_key(&self) -> bool {
        self.more == More::Present(None)
    }

    /// What went wrong, for programs.
    pub(super) fn reason(&self) -> Reason {
        self.reason
    }

    /// What went wrong and what is allowed, for people.
    #[cfg(test)]
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response<Content> {
        let status = self.reason.status();
        let version = match self.more {
            More::Present(present) => Some(present.unwrap_or(Version::NONE).get()),
            _ => None,
        };
        let document = Document {
            r#type: format!("/openapi.json#/x-problems/{}", self.reason.name()),
            title: self.reason.title(),
            status: status.as_u16(),
            detail: &self.detail,
            reason: self.reason.name(),
            version,
        };
        // Strings and numbers always become JSON.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Content::new(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        // Some of the statuses may be kept by caches unless they are told otherwise.
        headers.insert(header::CACHE_CONTROL, answer::NO_STORE);
        if let Some(seconds) = self.reason.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.more.write(headers);
        response
    }
}

impl More {
    fn write(self, headers: &mut HeaderMap) {
        match self {
            Self::Nothing | Self::Present(None) => {}
            Self::Allow(methods) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(methods));
            }
            Self::Accept(types) => {
                headers.insert(header::ACCEPT, HeaderValue::from_static(types));
            }
            Self::AcceptIdentity => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            Self::Length(length) => {
                let range = format!("bytes */{length}");
                headers.insert(header::CONTENT_RANGE, answer::value_of(range));
            }
            Self::Present(Some(version)) => {
                headers.insert(header::ETAG, etag::strong(version));
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(Reason::Contract(refusal.reason()), refusal.to_string())
    }
}

impl From<Unkept> for Problem {
    fn from(unkept: Unkept) -> Self {
        Refusal::from(unkept).into()
    }
}

impl From<kv_core::StoreError> for Problem {
    fn from(error: kv_core::StoreError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<Loading> for Problem {
    fn from(Loading { percent, text }: Loading) -> Self {
        Refusal::Loading { percent, text }.into()
    }
}

/// The status that an operation alone would have been answered with, for errors inside a batch.
pub(super) fn status_of(reason: kv_proto::v1::ErrorReason) -> StatusCode {
    Reason::Contract(reason).status()
}

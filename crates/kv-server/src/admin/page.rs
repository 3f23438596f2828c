//! One page as an HTTP answer.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

/// An answer: status, media type, body.
pub(super) struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Page {
    pub(super) fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type, body: body.into() }
    }

    pub(super) fn text(body: &'static str) -> Self {
        Self::new("text/plain; charset=utf-8", body)
    }

    pub(super) fn json(body: &Value) -> Self {
        Self::new("application/json", format!("{body}\n"))
    }

    /// With another status than `200 OK`.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl From<Page> for Response<Full<Bytes>> {
    fn from(page: Page) -> Self {
        let mut response = Self::new(Full::new(page.body));
        *response.status_mut() = page.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

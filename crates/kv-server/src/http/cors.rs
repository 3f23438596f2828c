//! Pages of web sites: which of them may read what is answered here, and change what is stored.
//!
//! A browser sends some requests of any page before it asks whether the page may see the answer. A write has
//! then been made. So a request that can write and comes from a page of an origin that is not allowed is
//! refused, whether the browser asked or not.

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::answer;
use super::content::Content;
use super::problem::{Problem, Reason};
use crate::config::Origins;

/// How long a browser may remember what it was told.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// The headers that pages may send.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, content-type, if-match, if-none-match, if-range, kv-durability, range",
);

/// The headers that pages may read.
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept-ranges, content-range, etag, kv-durability, kv-ttl-ms, kv-version, retry-after",
);

/// Which origins are allowed.
#[derive(Debug, Clone)]
pub(super) struct Cors {
    origins: Origins,
}

impl Cors {
    /// Allows these.
    pub(super) fn new(origins: &Origins) -> Self {
        Self { origins: origins.clone() }
    }

    /// Refuses what a page must not do.
    pub(super) fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let Some(origin) = parts.headers.get(header::ORIGIN).filter(|_| !safe) else {
            return Ok(());
        };
        if self.allows(origin) || is_own(origin, parts) {
            return Ok(());
        }
        let text = format!(
            "pages of {} may not change anything here: allow them with server.http_cors_origins",
            String::from_utf8_lossy(origin.as_bytes())
        );
        Err(Problem::new(Reason::OriginNotAllowed, text))
    }

    /// Answers a browser that asks what a page may do.
    pub(super) fn preflight(&self, parts: &Parts, allow: &'static str) -> Response<Content> {
        let mut response = answer::empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        let asks = parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let origin = parts.headers.get(header::ORIGIN);
        if asks && origin.is_some_and(|origin| self.allows(origin)) {
            let methods = HeaderValue::from_static(allow);
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
        }
        response
    }

    /// Tells the browser of a page whether the page may see the answer.
    pub(super) fn write(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        // The answer depends on it, allowed or not, and caches need to know.
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin.filter(|origin| self.allows(origin)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.origins.allows(origin))
    }
}

/// Whether the page was loaded from this very server.
fn is_own(origin: &HeaderValue, parts: &Parts) -> bool {
    let host = match parts.headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => parts.uri.authority().map(hyper::http::uri::Authority::as_str),
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

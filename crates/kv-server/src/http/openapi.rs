//! `/openapi.json`: the description of this API, which tests compare with what is answered.

use hyper::Response;

use super::answer::Body;
use super::service::constant;

/// The document.
const DOCUMENT: &str = include_str!("openapi.json");

/// Answers with the document.
pub(super) fn get() -> Response<Body> {
    constant("application/json", DOCUMENT)
}

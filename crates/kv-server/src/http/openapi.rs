//! `/openapi.json`: the description of this API, which tests compare with what is answered.

use hyper::Response;

use super::content::Content;
use super::service::constant;

/// The document.
const DOCUMENT: &str = include_str!("openapi.json");

/// Answers with the document.
pub(super) fn get() -> Response<Content> {
    constant("application/json", DOCUMENT)
}

//! DELETE of a key.

use hyper::{Response, StatusCode};
use kv_core::Action;

use super::Asked;
use crate::contract::convert;
use crate::http::answer;
use crate::http::api::{Api, durability};
use crate::http::content::Content;
use crate::http::media::{self, Media};
use crate::http::precondition::Preconditions;
use crate::http::problem::{Problem, Reason};
use crate::http::query::Query;
use crate::http::write::{Write, Written};

/// Removes the key, and answers 404 when there is none.
pub(in crate::http) async fn delete(
    api: &Api,
    asked: Asked<'_>,
) -> Result<Response<Content>, Problem> {
    let headers = &asked.parts.headers;
    let media = media::best(headers, Media::OF_VALUES).unwrap_or(Media::Raw);
    let preconditions = Preconditions::read(headers)?;
    let query = Query::parse(asked.parts.uri.query(), &["durability"])?;
    let level = api.gate.level(durability(&query, headers)?)?;
    let action = Action::Delete { return_previous: false };
    let write = Write { key: asked.key, action, preconditions: &preconditions, level };
    let Written { reply, achieved } = write.make(api).await.map_err(absent_first)?;
    if !reply.applied {
        return Err(Problem::key_not_found());
    }
    let version = reply.version;
    let mut response = match media {
        Media::Raw => answer::empty(StatusCode::NO_CONTENT),
        media => answer::message(StatusCode::OK, media, &convert::delete_response(reply, achieved)),
    };
    answer::write_outcome(response.headers_mut(), version, None, achieved);
    Ok(response)
}

/// Preconditions count only where the request would succeed without them (RFC 9110, section 13.2.1): a key
/// that does not exist cannot be removed or changed, whatever they say.
pub(super) fn absent_first(problem: Problem) -> Problem {
    if problem.reason() == Reason::PreconditionFailed && problem.is_of_absent_key() {
        return Problem::key_not_found();
    }
    problem
}

//! GET and HEAD of a key: its value, or part of it, unless the client has it already.

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use kv_core::{Action, Op, Payload, Reply, Value};

use super::Asked;
use crate::contract::Refusal;
use crate::contract::convert;
use crate::http::answer;
use crate::http::api::Api;
use crate::http::content::Content;
use crate::http::media::{self, Media};
use crate::http::precondition::{self, Preconditions, Verdict};
use crate::http::problem::{Problem, Reason};
use crate::http::query::Query;
use crate::http::range::{self, Part};

const BYTES: HeaderValue = HeaderValue::from_static("bytes");

/// The form of the answer depends on this header of the request, which caches need to know.
const VARY_ACCEPT: HeaderValue = HeaderValue::from_static("accept");

/// Answers with the value. For HEAD it is not even read, where its length is enough.
pub(in crate::http) async fn get(
    api: &Api,
    asked: Asked<'_>,
    is_head: bool,
) -> Result<Response<Content>, Problem> {
    let headers = &asked.parts.headers;
    let media = media::accepted(headers, Media::OF_VALUES)?;
    let preconditions = Preconditions::read(headers)?;
    Query::parse(asked.parts.uri.query(), &[])?;
    let action = if is_head && media == Media::Raw { Action::Exists } else { Action::Get };
    let reply = api.read(&Op::new(asked.key, action)).await?;
    if !reply.applied {
        return Err(Problem::key_not_found());
    }
    match preconditions.judge(Some(reply.version)) {
        Verdict::Holds => {}
        Verdict::Match => {
            let mut response = answer::empty(StatusCode::NOT_MODIFIED);
            describe(response.headers_mut(), media, &reply);
            return Ok(response);
        }
        Verdict::NoMatch => {
            return Err(precondition::refusal(Verdict::NoMatch, Some(reply.version)));
        }
    }
    if media == Media::Raw { Ok(raw(headers, reply)?) } else { message(api, media, reply) }
}

/// Says of every answer which version it is of, and how long it holds.
fn describe(headers: &mut HeaderMap, media: Media, reply: &Reply) {
    headers.insert(header::ETAG, answer::etag_of(media, reply.version));
    headers.insert(header::VARY, VARY_ACCEPT);
    answer::write_lifetime(headers, reply.ttl_ms);
}

/// The bytes of the value, or those of them that were asked for.
fn raw(asked: &HeaderMap, reply: Reply) -> Result<Response<Content>, Problem> {
    let mut response = Response::new(Content::default());
    let headers = response.headers_mut();
    headers.reserve(6);
    headers.insert(header::CONTENT_TYPE, Media::Raw.header());
    headers.insert(header::ACCEPT_RANGES, BYTES);
    describe(headers, Media::Raw, &reply);
    let version = reply.version;
    match reply.payload {
        // HEAD: a range of it means nothing, says RFC 9110.
        Payload::Length(length) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        payload => {
            let value = value_of(payload);
            let content = match range::asked(asked, version, value.len()) {
                Part::Whole => value,
                Part::Outside => return Err(Problem::range(value.len() as u64)),
                Part::Bytes(part) => {
                    let text = format!("bytes {}-{}/{}", part.start, part.end - 1, value.len());
                    headers.insert(header::CONTENT_RANGE, answer::value_of(text));
                    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                    value.slice(part)
                }
            };
            *response.body_mut() = Content::new(content.into_bytes());
        }
    }
    Ok(response)
}

/// The value in a message, which has a bound where the bare bytes have none.
fn message(api: &Api, media: Media, reply: Reply) -> Result<Response<Content>, Problem> {
    let max = api.messages.message_bytes_max;
    if let Payload::Value(value) = &reply.payload
        && value.len() > max
    {
        let refusal = Refusal::ValueOverAnswer { bytes: value.len(), max, applied: false };
        return Err(Problem::new(
            Reason::NotAcceptable,
            format!("{refusal}: ask for application/octet-stream"),
        ));
    }
    let mut described = HeaderMap::new();
    describe(&mut described, media, &reply);
    let mut response = answer::message(StatusCode::OK, media, &convert::get_response(reply));
    response.headers_mut().extend(described);
    Ok(response)
}

fn value_of(payload: Payload) -> Value {
    match payload {
        Payload::Value(value) => value,
        _ => Bytes::new().into(),
    }
}

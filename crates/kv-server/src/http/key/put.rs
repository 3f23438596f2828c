//! PUT of a key: a new value, and how long it lives.

use bytes::Bytes;
use hyper::header::{self, HeaderMap};
use hyper::{Response, StatusCode};
use kv_core::{Action, Durability, SetExpiry};
use kv_proto::v1;

use super::{Asked, check_key, decoded, offers};
use crate::contract::convert;
use crate::http::answer;
use crate::http::api::{Api, durability};
use crate::http::body::Upload;
use crate::http::content::Content;
use crate::http::expiry::{self, contradiction};
use crate::http::json;
use crate::http::media::{self, Media};
use crate::http::precondition::Preconditions;
use crate::http::problem::{Problem, Reason};
use crate::http::query::Query;
use crate::http::write::{Write, Written};

const PARAMETERS: [&str; 5] = ["ttl", "ttl_ms", "expires_at_ms", "keep_ttl", "durability"];

/// What is to be stored.
struct Put {
    value: Bytes,
    expiry: SetExpiry,
    /// Whether the client wants to see the value before.
    return_previous: bool,
    durability: Option<Durability>,
}

/// Stores the body, and answers 201 when the key is new.
pub(in crate::http) async fn put(
    api: &Api,
    asked: Asked<'_>,
    body: &mut Upload,
) -> Result<Response<Content>, Problem> {
    let headers = &asked.parts.headers;
    refuse_parts(headers)?;
    let media = media::of_value(headers)?;
    let answered = media::best(headers, &offers(media)).unwrap_or(Media::Raw);
    let preconditions = Preconditions::read(headers)?;
    let query = Query::parse(asked.parts.uri.query(), &PARAMETERS)?;
    let expiry = expiry_of(&query)?;
    let durability = durability(&query, headers)?;
    api.gate.level(durability)?;
    let limit = if media == Media::Raw { api.value_limit } else { api.message_limit };
    let content = body.read(limit).await?;
    let put = match media {
        Media::Raw => {
            let expiry = expiry.unwrap_or(SetExpiry::Never);
            Put { value: content, expiry, return_previous: false, durability }
        }
        Media::Json => of_message(asked.key, json::set_request(&content)?, expiry, durability)?,
        Media::XProtobuf | Media::Protobuf => {
            of_message(asked.key, decoded(content)?, expiry, durability)?
        }
    };
    let Put { value, expiry, return_previous, .. } = &put;
    let action = Action::Set { value, expiry: *expiry, return_previous: *return_previous };
    let level = api.gate.level(put.durability)?;
    let write = Write { key: asked.key, action, preconditions: &preconditions, level };
    let written = write.make(api).await?;
    Ok(answer(written, &put, media, answered))
}

/// A part of a value cannot be put: taking it for the whole would be the worst that can be done.
fn refuse_parts(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::CONTENT_RANGE) {
        let text = "Content-Range has no meaning here: a value is put as a whole, or appended to with POST";
        return Err(Problem::new(Reason::BadHeader, text));
    }
    Ok(())
}

fn expiry_of(query: &Query<'_>) -> Result<Option<SetExpiry>, Problem> {
    let deadline = expiry::deadline(query)?.map(SetExpiry::Deadline);
    match (deadline, query.flag("keep_ttl")?) {
        (Some(_), true) => Err(contradiction("keep_ttl and a new expiry contradict each other")),
        (None, true) => Ok(Some(SetExpiry::Keep)),
        (deadline, false) => Ok(deadline),
    }
}

/// What a message says together with the rest of the request, which it may not contradict.
fn of_message(
    key: &[u8],
    mut request: v1::SetRequest,
    expiry: Option<SetExpiry>,
    durability: Option<Durability>,
) -> Result<Put, Problem> {
    check_key(&request.key, key)?;
    request.key = Bytes::copy_from_slice(key);
    if request.condition != 0 || request.if_version != 0 {
        return Err(contradiction(
            "a message about one key takes no condition: say it with If-Match or If-None-Match",
        ));
    }
    let in_body = convert::durability(request.durability)?;
    if expiry.is_some() && request.expiry.is_some() || durability.is_some() && in_body.is_some() {
        return Err(contradiction(
            "expiry and durability may stand in the message or outside of it",
        ));
    }
    let Action::Set { expiry: said, return_previous, .. } =
        convert::set((&request).into(), usize::MAX)?.action
    else {
        return Err(contradiction("the message is no write"));
    };
    Ok(Put {
        value: request.value,
        expiry: expiry.unwrap_or(said),
        return_previous,
        durability: durability.or(in_body),
    })
}

fn answer(written: Written, put: &Put, media: Media, answered: Media) -> Response<Content> {
    let Written { reply, achieved } = written;
    // A time already past has ended the key.
    let ended = matches!(put.expiry, SetExpiry::Deadline(_)) && reply.ttl_ms.is_none();
    let (existed, version, ttl_ms) = (reply.existed, reply.version, reply.ttl_ms);
    let mut response = match answered {
        Media::Raw => answer::empty(StatusCode::NO_CONTENT),
        media => answer::message(StatusCode::OK, media, &convert::set_response(reply, achieved)),
    };
    if !existed && !ended {
        *response.status_mut() = StatusCode::CREATED;
    }
    let headers = response.headers_mut();
    answer::write_outcome(headers, version, ttl_ms, achieved);
    // RFC 9110, section 9.3.4: only of what is stored exactly as it came.
    if media == Media::Raw && !ended {
        headers.insert(header::ETAG, answer::etag_of(Media::Raw, version));
    }
    response
}

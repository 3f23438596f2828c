//! POST to a key: `?op=` says what is done with it.

use bytes::Bytes;
use hyper::{Response, StatusCode};
use kv_core::{Action, Durability, ExpireRule, ExpiryChange, Payload, Version};
use kv_proto::v1;

use super::delete::absent_first;
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
use crate::http::query::{Query, bad};
use crate::http::write::{Write, Written, present};
use crate::metrics::Operation;

/// Every parameter of some operation.
const PARAMETERS: [&str; 7] =
    ["op", "delta", "ttl", "ttl_ms", "expires_at_ms", "rule", "durability"];

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Increment,
    Append,
    Expire,
    Persist,
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "increment" => Some(Self::Increment),
            "append" => Some(Self::Append),
            "expire" => Some(Self::Expire),
            "persist" => Some(Self::Persist),
            _ => None,
        }
    }

    /// As what it is counted.
    fn operation(self) -> Operation {
        match self {
            Self::Increment => Operation::Increment,
            Self::Append => Operation::Append,
            Self::Expire => Operation::Expire,
            Self::Persist => Operation::Persist,
        }
    }

    /// The parameters that it has.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Increment => &["op", "durability", "delta"],
            Self::Append | Self::Persist => &["op", "durability"],
            Self::Expire => &["op", "durability", "ttl", "ttl_ms", "expires_at_ms", "rule"],
        }
    }
}

/// Changes the key as the query says, and says what that is.
pub(in crate::http) async fn post(
    api: &Api,
    asked: Asked<'_>,
    body: &mut Upload,
    operation: &mut Operation,
) -> Result<Response<Content>, Problem> {
    let text = asked.parts.uri.query();
    let allowed = "increment, append, expire or persist";
    let kind = Query::parse(text, &PARAMETERS)?.get("op", allowed, Kind::parse)?;
    let kind = kind.ok_or_else(|| bad(format!("op is missing: it must be {allowed}")))?;
    *operation = kind.operation();
    let query = Query::parse(text, kind.parameters())?;
    let headers = &asked.parts.headers;
    let preconditions = Preconditions::read(headers)?;
    let post = Post { api, asked, preconditions, durability: durability(&query, headers)? };
    api.gate.level(post.durability)?;
    match kind {
        Kind::Increment => post.increment(query.integer("delta")?.unwrap_or(1), body).await,
        Kind::Append => post.append(body).await,
        Kind::Expire => post.expire(change(&query)?, body).await,
        Kind::Persist => post.expire(ExpiryChange::Persist, body).await,
    }
}

/// The change of an expiry that the query asks for.
fn change(query: &Query<'_>) -> Result<ExpiryChange, Problem> {
    let rule = query.get("rule", "nx, xx, gt or lt", |name| match name {
        "nx" => Some(ExpireRule::IfNone),
        "xx" => Some(ExpireRule::IfSome),
        "gt" => Some(ExpireRule::IfLater),
        "lt" => Some(ExpireRule::IfEarlier),
        _ => None,
    })?;
    let deadline = expiry::deadline(query)?
        .ok_or_else(|| bad("the expiry is missing: give one of ttl, ttl_ms and expires_at_ms"))?;
    Ok(ExpiryChange::Set(deadline, rule.unwrap_or(ExpireRule::Always)))
}

/// A request whose head was understood.
struct Post<'a> {
    api: &'a Api,
    asked: Asked<'a>,
    preconditions: Preconditions,
    durability: Option<Durability>,
}

impl Post<'_> {
    async fn make(&self, action: Action<'_>) -> Result<Written, Problem> {
        let level = self.api.gate.level(self.durability)?;
        let preconditions = &self.preconditions;
        Write { key: self.asked.key, action, preconditions, level }.make(self.api).await
    }

    async fn increment(self, delta: i64, body: &mut Upload) -> Result<Response<Content>, Problem> {
        let media = media::accepted(&self.asked.parts.headers, Media::OF_VALUES)?;
        refuse_content(body).await?;
        let Written { reply, achieved } = self.make(Action::Increment { delta }).await?;
        let (version, ttl_ms) = (reply.version, reply.ttl_ms);
        let mut response = if let (Media::Raw, Payload::Number(number)) = (media, &reply.payload) {
            answer::content_of(StatusCode::OK, media, Bytes::from(number.to_string()))
        } else {
            let message = convert::increment_response(&reply, achieved);
            answer::message(StatusCode::OK, media, &message)
        };
        answer::write_outcome(response.headers_mut(), version, ttl_ms, achieved);
        Ok(response)
    }

    async fn append(mut self, body: &mut Upload) -> Result<Response<Content>, Problem> {
        let headers = &self.asked.parts.headers;
        let media = media::of_value(headers)?;
        let answered = media::best(headers, &offers(media)).unwrap_or(Media::Raw);
        let limit = if media == Media::Raw { self.api.value_limit } else { self.api.message_limit };
        let content = body.read(limit).await?;
        let suffix = match media {
            Media::Raw => content,
            Media::Json => self.suffix(json::append_request(&content)?)?,
            Media::XProtobuf | Media::Protobuf => self.suffix(decoded(content)?)?,
        };
        let Written { reply, achieved } = self.make(Action::Append { suffix: &suffix }).await?;
        let (version, ttl_ms) = (reply.version, reply.ttl_ms);
        let message = || convert::append_response(&reply, achieved);
        let mut response = match answered {
            Media::Raw => answer::empty(StatusCode::NO_CONTENT),
            media => answer::message(StatusCode::OK, media, &message()),
        };
        answer::write_outcome(response.headers_mut(), version, ttl_ms, achieved);
        Ok(response)
    }

    /// What a message says, which may not contradict the rest of the request.
    fn suffix(&mut self, request: v1::AppendRequest) -> Result<Bytes, Problem> {
        check_key(&request.key, self.asked.key)?;
        match (self.durability, convert::durability(request.durability)?) {
            (Some(_), Some(_)) => {
                return Err(contradiction("durability may stand in the message or outside of it"));
            }
            (outside, inside) => self.durability = outside.or(inside),
        }
        Ok(request.suffix)
    }

    async fn expire(
        self,
        change: ExpiryChange,
        body: &mut Upload,
    ) -> Result<Response<Content>, Problem> {
        let headers = &self.asked.parts.headers;
        let media = media::best(headers, Media::OF_VALUES).unwrap_or(Media::Raw);
        refuse_content(body).await?;
        let made = self.make(Action::Expire(change)).await;
        let Written { reply, achieved } = made.map_err(absent_first)?;
        if !reply.applied {
            refuse_unchanged(present(&reply), change)?;
        }
        let (applied, version, ttl_ms) = (reply.applied, reply.version, reply.ttl_ms);
        let message = convert::expire_response(&reply, achieved);
        let mut response = match media {
            Media::Raw => answer::empty(StatusCode::NO_CONTENT),
            media => answer::message(StatusCode::OK, media, &message),
        };
        let headers = response.headers_mut();
        answer::write_outcome(headers, version, ttl_ms, achieved);
        if !applied {
            headers.remove(answer::KV_DURABILITY);
        }
        Ok(response)
    }
}

/// Why an expiry was not changed. That there was none to remove is no reason to refuse anything.
fn refuse_unchanged(present: Option<Version>, change: ExpiryChange) -> Result<(), Problem> {
    match (present, change) {
        (None, _) => Err(Problem::key_not_found()),
        (Some(_), ExpiryChange::Persist) => Ok(()),
        (Some(_), ExpiryChange::Set(..)) => Err(Problem::new(
            Reason::ExpiryRuleUnmet,
            "the rule does not allow this expiry for the one the key has: nx wants none, xx one, gt an \
             earlier and lt a later one; no expiry counts as the latest",
        )),
    }
}

/// What has no content may not have any: it would be ignored, which its sender cannot want.
async fn refuse_content(body: &mut Upload) -> Result<(), Problem> {
    if body.is_empty().await? {
        return Ok(());
    }
    let text = "this operation takes no body: its parameters are in the query";
    Err(Problem::new(Reason::BadBody, text))
}

//! `/v1/kv:batch`: many operations in one request.

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use kv_core::StoreError;
use kv_proto::v1::BatchWriteRequest;
use prost::Message;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::answer;
use super::api::{Api, durability};
use super::body::Upload;
use super::content::Content;
use super::expiry::contradiction;
use super::json;
use super::media::{self, Media};
use super::problem::{Problem, Reason};
use super::query::Query;
use crate::contract::{batch, convert};

/// Executes the operations of the body, each by itself or all as one, as it says.
pub(super) async fn post(
    api: &Api,
    parts: &Parts,
    body: &mut Upload,
) -> Result<Response<Content>, Problem> {
    let media = media::of_message(&parts.headers)?;
    let offers = Media::OF_MESSAGES.iter().copied().filter(|other| *other != media);
    let offers: Vec<Media> = std::iter::once(media).chain(offers).collect();
    let answered = media::accepted(&parts.headers, &offers)?;
    let query = Query::parse(parts.uri.query(), &["durability"])?;
    let durability = durability(&query, &parts.headers)?;
    api.gate.level(durability)?;
    let content = body.read(api.message_limit).await?;
    let mut request = read(media, &content, api.messages.batch_ops_max)?;
    drop(content);
    if let Some(level) = durability {
        if request.durability != 0 {
            return Err(contradiction("durability may stand in the message or outside of it"));
        }
        request.durability = convert::wire_durability(level).into();
    }
    let executed = batch::write(&api.messages, &request)?;
    let response = executed.settle(&api.messages).await?;
    let mut answer = answer::message(StatusCode::OK, answered, &response);
    if let Ok(Some(level)) = convert::durability(response.achieved) {
        let level = hyper::header::HeaderValue::from_static(answer::level_name(level));
        answer.headers_mut().insert(answer::KV_DURABILITY, level);
    }
    Ok(answer)
}

/// A batch as far as it must be known to count its operations. An operation of two bytes becomes a hundred
/// times as much in memory, so that they are counted before they are read.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    ops: Vec<IgnoredAny>,
}

/// The same of a Protobuf message.
#[derive(Clone, PartialEq, Message)]
struct WireOutline {
    #[prost(message, repeated, tag = "1")]
    ops: Vec<()>,
}

fn read(media: Media, content: &Bytes, ops_max: usize) -> Result<BatchWriteRequest, Problem> {
    let given = match media {
        // What is malformed has no operations, and is refused with its place below.
        Media::Raw | Media::Json => {
            serde_json::from_slice(content).map_or(0, |outline: Outline| outline.ops.len())
        }
        Media::XProtobuf | Media::Protobuf => {
            WireOutline::decode(content.as_ref()).map_or(0, |outline| outline.ops.len())
        }
    };
    if given > ops_max {
        return Err(StoreError::BatchTooLarge { given, max: ops_max }.into());
    }
    match media {
        Media::Raw | Media::Json => json::batch_request(content),
        Media::XProtobuf | Media::Protobuf => {
            BatchWriteRequest::decode(content.clone()).map_err(|error| {
                let text = format!("the body is not the message it should be: {error}");
                Problem::new(Reason::BadBody, text)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kv_proto::v1;

    use super::*;

    fn batch(ops: usize) -> BatchWriteRequest {
        let get = v1::GetRequest { key: Bytes::from_static(b"k") };
        let op = v1::Op { op: Some(v1::op::Op::Get(get)) };
        BatchWriteRequest { ops: vec![op; ops].into(), ..Default::default() }
    }

    #[test]
    fn operations_are_counted_before_they_are_read() {
        let as_json = |ops: usize| {
            let ops = vec![r#"{"get":{"key":"k"}}"#; ops].join(",");
            format!(r#"{{"atomic":true,"ops":[{ops}]}}"#).into_bytes()
        };
        for (media, three, four) in [
            (Media::Json, as_json(3), as_json(4)),
            (Media::Protobuf, batch(3).encode_to_vec(), batch(4).encode_to_vec()),
        ] {
            assert_eq!(read(media, &three.into(), 3).unwrap().ops.len(), 3, "{media:?}");
            let problem = read(media, &four.into(), 3).unwrap_err();
            assert_eq!(problem.reason(), Reason::Contract(v1::ErrorReason::BatchTooLarge));
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for media in [Media::Json, Media::Protobuf] {
            for content in [&b"\xff"[..], b"{\"ops\":[", b"\x0a\x7f"] {
                let problem = read(media, &Bytes::from_static(content), 3).unwrap_err();
                assert_eq!(problem.reason(), Reason::BadBody, "{media:?} {content:?}");
            }
        }
    }
}

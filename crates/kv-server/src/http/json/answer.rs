//! Messages of the contract as JSON that clients read.

use kv_proto::v1::{self, op_result};
use serde::Serialize;

use super::super::problem::{self, Reason};
use super::text::Written;

/// The name of a level; `None` when nothing was written.
fn level(number: i32) -> Option<&'static str> {
    match v1::Durability::try_from(number) {
        Ok(v1::Durability::Memory) => Some("memory"),
        Ok(v1::Durability::Buffered) => Some("buffered"),
        Ok(v1::Durability::Fsync) => Some("fsync"),
        _ => None,
    }
}

#[derive(Serialize)]
pub(super) struct Get<'a> {
    value: Option<Written<'a>>,
    version: u64,
    ttl_ms: Option<i64>,
}

impl<'a> From<&'a v1::GetResponse> for Get<'a> {
    fn from(get: &'a v1::GetResponse) -> Self {
        let value = get.value.as_deref().map(Written);
        Self { value, version: get.version, ttl_ms: get.ttl_ms }
    }
}

#[derive(Serialize)]
pub(super) struct Set<'a> {
    applied: bool,
    version: u64,
    ttl_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Written<'a>>,
    achieved: Option<&'static str>,
}

impl<'a> From<&'a v1::SetResponse> for Set<'a> {
    fn from(set: &'a v1::SetResponse) -> Self {
        Self {
            applied: set.applied,
            version: set.version,
            ttl_ms: set.ttl_ms,
            previous: set.previous.as_deref().map(Written),
            achieved: level(set.achieved),
        }
    }
}

impl<'a> From<&'a v1::DeleteResponse> for Set<'a> {
    fn from(delete: &'a v1::DeleteResponse) -> Self {
        Self {
            applied: delete.applied,
            version: delete.version,
            ttl_ms: delete.ttl_ms,
            previous: delete.previous.as_deref().map(Written),
            achieved: level(delete.achieved),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Exists {
    #[serde(rename = "exists")]
    found: bool,
    version: u64,
    ttl_ms: Option<i64>,
    value_bytes: u64,
}

impl From<&v1::ExistsResponse> for Exists {
    fn from(exists: &v1::ExistsResponse) -> Self {
        let v1::ExistsResponse { exists, version, ttl_ms, value_bytes } = *exists;
        Self { found: exists, version, ttl_ms, value_bytes }
    }
}

#[derive(Serialize)]
pub(super) struct Increment {
    value: i64,
    version: u64,
    ttl_ms: Option<i64>,
    achieved: Option<&'static str>,
}

impl From<&v1::IncrementResponse> for Increment {
    fn from(increment: &v1::IncrementResponse) -> Self {
        let v1::IncrementResponse { value, version, ttl_ms, achieved } = *increment;
        Self { value, version, ttl_ms, achieved: level(achieved) }
    }
}

#[derive(Serialize)]
pub(super) struct Append {
    value_bytes: u64,
    version: u64,
    ttl_ms: Option<i64>,
    achieved: Option<&'static str>,
}

impl From<&v1::AppendResponse> for Append {
    fn from(append: &v1::AppendResponse) -> Self {
        let v1::AppendResponse { value_bytes, version, ttl_ms, achieved } = *append;
        Self { value_bytes, version, ttl_ms, achieved: level(achieved) }
    }
}

#[derive(Serialize)]
pub(super) struct Expire {
    applied: bool,
    version: u64,
    ttl_ms: Option<i64>,
    achieved: Option<&'static str>,
}

impl From<&v1::ExpireResponse> for Expire {
    fn from(expire: &v1::ExpireResponse) -> Self {
        let v1::ExpireResponse { applied, version, ttl_ms, achieved } = *expire;
        Self { applied, version, ttl_ms, achieved: level(achieved) }
    }
}

#[derive(Serialize)]
pub(super) struct Error<'a> {
    status: u16,
    reason: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a v1::OpError> for Error<'a> {
    fn from(error: &'a v1::OpError) -> Self {
        let reason = error.reason();
        let status = problem::status_of(reason).as_u16();
        Self { status, reason: Reason::Contract(reason).name(), detail: &error.message }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OpResult<'a> {
    Get(Get<'a>),
    Set(Set<'a>),
    Delete(Set<'a>),
    Exists(Exists),
    Increment(Increment),
    Append(Append),
    Expire(Expire),
    Error(Error<'a>),
}

impl<'a> OpResult<'a> {
    /// `None` for a message without a result, which the server never makes.
    fn new(result: &'a v1::OpResult) -> Option<Self> {
        Some(match result.result.as_ref()? {
            op_result::Result::Get(get) => Self::Get(get.into()),
            op_result::Result::Set(set) => Self::Set(set.into()),
            op_result::Result::Delete(delete) => Self::Delete(delete.into()),
            op_result::Result::Exists(exists) => Self::Exists(exists.into()),
            op_result::Result::Increment(increment) => Self::Increment(increment.into()),
            op_result::Result::Append(append) => Self::Append(append.into()),
            op_result::Result::Expire(expire) => Self::Expire(expire.into()),
            op_result::Result::Error(error) => Self::Error(error.into()),
        })
    }
}

#[derive(Serialize)]
pub(super) struct Batch<'a> {
    applied: bool,
    results: Vec<Option<OpResult<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_result: Option<OpResult<'a>>,
    achieved: Option<&'static str>,
}

impl<'a> Batch<'a> {
    /// The answer with its results, taken apart.
    pub(super) fn new(batch: &'a v1::BatchWriteResponse, results: &'a [v1::OpResult]) -> Self {
        Self {
            applied: batch.applied,
            results: results.iter().map(OpResult::new).collect(),
            failed_index: (!batch.applied).then_some(batch.failed_index),
            failed_result: batch.failed_result.as_ref().and_then(OpResult::new),
            achieved: level(batch.achieved),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Page<'a> {
    entries: Vec<Entry<'a>>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    key: Written<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Written<'a>>,
    version: u64,
    ttl_ms: Option<i64>,
}

impl<'a> From<&'a v1::ScanResponse> for Page<'a> {
    fn from(page: &'a v1::ScanResponse) -> Self {
        let entries = page.entries.iter().map(|entry| Entry {
            key: Written(&entry.key),
            value: entry.value.as_deref().map(Written),
            version: entry.version,
            ttl_ms: entry.ttl_ms,
        });
        let cursor = (!page.cursor.is_empty()).then(|| super::super::cursor::encode(&page.cursor));
        Self { entries: entries.collect(), cursor }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use expect_test::{Expect, expect};

    use super::super::ToJson;
    use super::*;

    fn check(message: &impl ToJson, wanted: &Expect) {
        wanted.assert_eq(std::str::from_utf8(&message.to_json()).unwrap());
    }

    #[test]
    fn absent_things_are_null_where_a_reader_looks_for_them() {
        let get = v1::GetResponse { value: None, version: 0, ttl_ms: None };
        check(&get, &expect![[r#"{"value":null,"version":0,"ttl_ms":null}"#]]);
        let value = Some(Bytes::from_static(b"\xff"));
        let get = v1::GetResponse { value, version: u64::MAX, ttl_ms: Some(5) };
        check(
            &get,
            &expect![[r#"{"value":{"base64":"/w=="},"version":18446744073709551615,"ttl_ms":5}"#]],
        );
        let set = v1::SetResponse { applied: true, version: 7, achieved: 2, ..Default::default() };
        check(
            &set,
            &expect![[r#"{"applied":true,"version":7,"ttl_ms":null,"achieved":"buffered"}"#]],
        );
    }

    #[test]
    fn a_batch_tells_every_result_or_the_one_that_stood_in_the_way() {
        let result = |result| v1::OpResult { result: Some(result) };
        let error = v1::OpError {
            code: 3,
            reason: v1::ErrorReason::KeyEmpty.into(),
            message: "key is empty".to_owned(),
        };
        let results = vec![
            result(op_result::Result::Increment(v1::IncrementResponse {
                value: 42,
                version: 7,
                ttl_ms: None,
                achieved: 1,
            })),
            result(op_result::Result::Error(error.clone())),
        ];
        let results = results.into();
        let batch =
            v1::BatchWriteResponse { applied: true, results, achieved: 1, ..Default::default() };
        check(
            &batch,
            &expect![[
                r#"{"applied":true,"results":[{"increment":{"value":42,"version":7,"ttl_ms":null,"achieved":"memory"}},{"error":{"status":400,"reason":"KEY_EMPTY","detail":"key is empty"}}],"achieved":"memory"}"#
            ]],
        );
        let failed_result = Some(result(op_result::Result::Error(error)));
        let batch = v1::BatchWriteResponse { failed_index: 0, failed_result, ..Default::default() };
        check(
            &batch,
            &expect![[
                r#"{"applied":false,"results":[],"failed_index":0,"failed_result":{"error":{"status":400,"reason":"KEY_EMPTY","detail":"key is empty"}},"achieved":null}"#
            ]],
        );
    }

    #[test]
    fn a_page_ends_with_a_cursor_or_null() {
        let entry =
            v1::ScanEntry { key: Bytes::from_static(b"a"), value: None, version: 7, ttl_ms: None };
        let mut page =
            v1::ScanResponse { entries: vec![entry], cursor: Bytes::from_static(&[1; 17]) };
        check(
            &page,
            &expect![[
                r#"{"entries":[{"key":"a","version":7,"ttl_ms":null}],"cursor":"AQEBAQEBAQEBAQEBAQEBAQE"}"#
            ]],
        );
        page.cursor = Bytes::new();
        page.entries.clear();
        check(&page, &expect![[r#"{"entries":[],"cursor":null}"#]]);
    }
}

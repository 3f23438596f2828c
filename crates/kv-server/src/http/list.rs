//! `/v1/kv`: keys, page by page.

use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use kv_core::{Durability, Lsn, ScanCursor, ScanEntry, ScanPage, ScanSpec, Value};
use tokio::task::yield_now;

use super::answer;
use super::api::Api;
use super::content::Content;
use super::cursor;
use super::limits::{LIST_LIMIT_DEFAULT, LIST_PAGES_MAX};
use super::media::{self, Media};
use super::problem::Problem;
use super::query::Query;
use crate::contract::{convert, scan};
use crate::promise::Basis;

const PARAMETERS: [&str; 4] = ["prefix", "limit", "cursor", "values"];

/// Answers with the next page of keys.
pub(super) async fn get(api: &Api, parts: &Parts) -> Result<Response<Content>, Problem> {
    let media = media::accepted(&parts.headers, Media::OF_MESSAGES)?;
    let query = Query::parse(parts.uri.query(), &PARAMETERS)?;
    let max = api.messages.scan_page_keys_max;
    let limit = query.get("limit", "a whole number from 1", |text| {
        text.parse::<u64>().ok().filter(|limit| *limit > 0)
    })?;
    let limit = limit.map_or(LIST_LIMIT_DEFAULT, |limit| usize::try_from(limit).unwrap_or(max));
    let list = List {
        api,
        prefix: query.bytes("prefix").unwrap_or_default(),
        values: query.flag("values")?,
        limit: limit.min(max),
        bytes_max: api.messages.scan_page_bytes_max,
    };
    let page = list.page(cursor::decode(query.bytes("cursor").unwrap_or_default())?).await?;
    api.gate.settle(Basis::of_read(page.lsn), Durability::Memory).await?;
    let mut response = answer::message(StatusCode::OK, media, &convert::scan_response(page));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, answer::NO_STORE);
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// What is listed.
struct List<'a> {
    api: &'a Api,
    prefix: &'a [u8],
    values: bool,
    /// Entries at most.
    limit: usize,
    /// The page ends with the entry that reaches this many bytes.
    bytes_max: usize,
}

impl List<'_> {
    /// Reads pages of the store until one of the listing is full, or has taken long enough. Other
    /// connections of the same thread have their turn in between: a rare prefix may not be found among
    /// many keys.
    async fn page(&self, mut cursor: Option<ScanCursor>) -> Result<ScanPage, Problem> {
        let mut all = ScanPage { entries: Vec::new(), next: None, lsn: Lsn::ZERO };
        let mut bytes = 0;
        for pages in 1..=LIST_PAGES_MAX {
            let spec = ScanSpec {
                prefix: self.prefix,
                page_keys: self.limit - all.entries.len(),
                page_bytes: self.bytes_max - bytes,
                values: self.values,
            };
            let page = scan::page_within(&self.api.messages, &spec, cursor)?;
            bytes += page.entries.iter().map(length).sum::<usize>();
            all.entries.extend(page.entries);
            (all.lsn, all.next) = (all.lsn.max(page.lsn), page.next);
            cursor = page.next;
            let full = all.entries.len() >= self.limit || bytes >= self.bytes_max;
            if cursor.is_none() || full || pages == LIST_PAGES_MAX {
                break;
            }
            yield_now().await;
        }
        Ok(all)
    }
}

fn length(entry: &ScanEntry) -> usize {
    entry.key.len() + entry.value.as_ref().map_or(0, Value::len)
}

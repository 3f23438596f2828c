//! `Scan`: pages of the store as a stream, each read when the connection has taken the one before.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use kv_core::{Durability, ScanCursor, ScanPage, ScanSpec};
use kv_proto::v1::{ScanRequest, ScanResponse};
use tokio::task::yield_now;
use tonic::Status;

use super::measured;
use crate::clock::Stopwatch;
use crate::contract::scan::page_within;
use crate::contract::{Refusal, Shared, convert};
use crate::metrics::{Operation, Protocol};
use crate::promise::Basis;
use crate::slow::{Answered, Caller, Following, Named, tell};

/// Entries per page when the request does not say.
const PAGE_KEYS_DEFAULT: usize = 1000;

/// Bytes per page when the request does not say: well below the 4 MiB that gRPC clients accept unless
/// told otherwise.
const PAGE_BYTES_DEFAULT: usize = 1 << 20;

/// The pages that the request asks for.
pub(crate) fn pages(
    (shared, caller): (Arc<Shared>, Arc<Caller>),
    request: ScanRequest,
) -> Result<impl Stream<Item = Result<ScanResponse, Status>> + Send, Refusal> {
    let cursor = convert::scan_cursor(&request.cursor)?;
    let keys_max = shared.scan_page_keys_max;
    let bytes_max = shared.scan_page_bytes_max;
    let scan = Scan {
        page_keys: chosen(request.page_keys, PAGE_KEYS_DEFAULT, keys_max),
        page_bytes: chosen(request.page_bytes, PAGE_BYTES_DEFAULT, bytes_max),
        pages_left: (request.pages != 0).then_some(request.pages),
        prefix: request.prefix,
        values: request.values,
        shared,
        caller,
        taken: None,
        cursor,
        first: true,
    };
    Ok(stream::unfold(Some(scan), |scan| async move {
        let mut scan = scan?;
        // The connection has taken the page before.
        drop(scan.taken.take());
        match scan.next().await {
            Ok((page, more)) => Some((Ok(page), more.then_some(scan))),
            Err(refusal) => {
                let status = Status::from(refusal);
                measured::count_failure(scan.shared.gate.metrics(), &status);
                Some((Err(status), None))
            }
        }
    }))
}

fn chosen(asked: u32, default: usize, max: usize) -> usize {
    let asked = usize::try_from(asked).unwrap_or(usize::MAX);
    if asked == 0 { default.min(max) } else { asked.min(max) }
}

struct Scan {
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    /// The page that was read last, until the connection has taken it.
    taken: Option<Answered>,
    prefix: Bytes,
    page_keys: usize,
    page_bytes: usize,
    pages_left: Option<u32>,
    values: bool,
    cursor: Option<ScanCursor>,
    first: bool,
}

impl Scan {
    /// Reads the next page and tells whether there are more. Other connections of the same thread have
    /// their turn between pages: a scan for a rare prefix may find nothing for millions of keys.
    async fn next(&mut self) -> Result<(ScanResponse, bool), Refusal> {
        if !std::mem::take(&mut self.first) {
            yield_now().await;
        }
        let started = Stopwatch::start();
        let mut following = Following::begin(&self.caller, started);
        let page = following.through(self.settled_page()).await?;
        self.cursor = page.next;
        if let Some(left) = &mut self.pages_left {
            *left -= 1;
        }
        let took = started.elapsed();
        self.shared.gate.metrics().record(Protocol::Grpc, Operation::Scan, took, 1);
        let named = Named::Part("Scan");
        self.taken = Some(following.answered(named, Operation::Scan, (started, took)));
        let more = page.next.is_some() && self.pages_left != Some(0);
        Ok((convert::scan_response(page), more))
    }

    /// The next page, once it may be shown.
    async fn settled_page(&self) -> Result<ScanPage, Refusal> {
        tell::key(&self.prefix);
        let page = self.page()?;
        self.shared.gate.settle(Basis::of_read(page.lsn), Durability::Memory).await?;
        Ok(page)
    }

    fn page(&self) -> Result<ScanPage, Refusal> {
        let (page_keys, page_bytes, values) = (self.page_keys, self.page_bytes, self.values);
        let spec = ScanSpec { prefix: &self.prefix, page_keys, page_bytes, values };
        page_within(&self.shared, &spec, self.cursor)
    }
}

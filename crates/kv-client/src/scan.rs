//! Iterates over keys, page by page, and goes on by itself after a broken connection.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use kv_proto::v1 as wire;
use tonic::Streaming;

use crate::pool::Route;
use crate::status::{self, Effect, Failure};
use crate::{Client, Cursor, Error, IntoBytes, ScanEntry, ScanPage, convert};

/// Describes an iteration over keys.
///
/// A key that exists during the whole scan is returned at least once; one that comes or goes
/// meanwhile may or may not be. A key may be returned more than once. The order is unspecified.
///
/// When the connection breaks, the scan goes on after the last page that came, within the retry
/// policy. It stays with the server it began with, as cursors are good for one server process only.
#[derive(Debug, Clone)]
#[must_use = "a scan does nothing until it is read"]
pub struct Scan {
    wire: wire::ScanRequest,
    client: Client,
}

impl Client {
    /// Iterates over the keys that start with `prefix`; over all when it is empty.
    pub fn scan(&self, prefix: impl IntoBytes) -> Scan {
        let wire = wire::ScanRequest { prefix: prefix.into_bytes(), ..Default::default() };
        Scan { wire, client: self.clone() }
    }
}

impl Scan {
    /// Return values too, not only keys.
    pub fn values(mut self) -> Self {
        self.wire.values = true;
        self
    }

    /// Entries per page at most; the server's default when 0 or not called.
    pub fn page_keys(mut self, keys: u32) -> Self {
        self.wire.page_keys = keys;
        self
    }

    /// Bytes per page: it ends with the entry that reaches them. The server's default when 0 or not
    /// called.
    pub fn page_bytes(mut self, bytes: u32) -> Self {
        self.wire.page_bytes = bytes;
        self
    }

    /// Goes on where an earlier scan of the same server and prefix stopped. With several addresses
    /// that is the first one.
    pub fn cursor(mut self, cursor: Cursor) -> Self {
        self.wire.cursor = cursor.into_bytes();
        self
    }

    /// The keys found, one by one.
    pub fn entries(self) -> ScanEntries {
        ScanEntries { pages: self.pages(), ready: VecDeque::new() }
    }

    /// The keys found, page by page, with the cursors between them.
    pub fn pages(self) -> ScanPages {
        let state = Progress { scan: self, connected: None, address_index: None, failures: 0 };
        let pages = stream::unfold(Some(state), |state| async {
            let mut state = state?;
            match state.next_page().await {
                Ok(None) => None,
                Ok(Some(page)) => {
                    let more = page.cursor.is_some();
                    Some((Ok(page), more.then_some(state)))
                }
                Err(error) => Some((Err(error), None)),
            }
        });
        ScanPages { pages: pages.boxed() }
    }

    /// One page.
    ///
    /// # Errors
    /// The cursor is not the server's, or no server answers.
    pub async fn page(mut self) -> Result<ScanPage, Error> {
        self.wire.pages = 1;
        let page = self.pages().next().await;
        page.unwrap_or_else(|| Ok(ScanPage { entries: Vec::new(), cursor: None }))
    }
}

/// A scan under way.
struct Progress {
    scan: Scan,
    connected: Option<(Streaming<wire::ScanResponse>, String)>,
    /// The address whose cursors these are, once it has sent one.
    address_index: Option<usize>,
    /// Failures since the last page.
    failures: u32,
}

impl Progress {
    async fn next_page(&mut self) -> Result<Option<ScanPage>, Error> {
        loop {
            if self.connected.is_none() {
                self.connected = Some(self.open().await?);
            }
            let Some((pages, address)) = &mut self.connected else {
                continue;
            };
            let after = self.scan.client.request_timeout();
            let failure = match tokio::time::timeout(after, pages.message()).await {
                Ok(Ok(Some(page))) => return Ok(Some(self.accept(page))),
                // The end of a scan is a page without cursor, so this is not it.
                Ok(Ok(None)) => Failure { error: cut_short(address), retry: true },
                Ok(Err(status)) => status::classify(status, address, Effect::Read),
                Err(_elapsed) => {
                    let address = address.clone();
                    Failure { error: Error::TimedOut { address, after }, retry: true }
                }
            };
            self.connected = None;
            self.failures += 1;
            if !failure.retry || self.failures >= self.scan.client.retry().attempts_max {
                return Err(failure.error);
            }
            self.scan.client.retry().pause(self.failures).await;
        }
    }

    /// Opens the stream where the last page ended.
    async fn open(&mut self) -> Result<(Streaming<wire::ScanResponse>, String), Error> {
        let client = self.scan.client.clone();
        let route = match self.address_index {
            Some(index) => client.pool().only(index),
            None if self.scan.wire.cursor.is_empty() => Route::FIRST,
            None => client.pool().only(0),
        };
        client.check_length(&self.scan.wire)?;
        let request = &self.scan.wire;
        let open = |to: &crate::pool::Target| {
            let (mut kv, request) = (to.kv(), request.clone());
            let (address, index) = (to.address.to_string(), to.address_index);
            async move { Ok((kv.scan(request).await?.into_inner(), address, index)) }
        };
        let (pages, address, index) = client.run(Effect::Read, route, open).await?;
        self.address_index = Some(index);
        Ok((pages, address))
    }

    fn accept(&mut self, page: wire::ScanResponse) -> ScanPage {
        self.failures = 0;
        self.scan.wire.cursor = page.cursor.clone();
        convert::page(page)
    }
}

fn cut_short(address: &str) -> Error {
    let message = "the server ended the scan before its end".to_owned();
    Error::Unreachable { address: address.to_owned(), message, source: None }
}

/// The pages of a scan. Ends after the page without cursor, or after an error.
pub struct ScanPages {
    pages: BoxStream<'static, Result<ScanPage, Error>>,
}

impl Stream for ScanPages {
    type Item = Result<ScanPage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pages.poll_next_unpin(context)
    }
}

impl fmt::Debug for ScanPages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ScanPages").finish_non_exhaustive()
    }
}

/// The entries of a scan. Ends after an error.
#[derive(Debug)]
pub struct ScanEntries {
    pages: ScanPages,
    /// What is left of the last page.
    ready: VecDeque<ScanEntry>,
}

impl Stream for ScanEntries {
    type Item = Result<ScanEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match ready!(self.pages.poll_next_unpin(context)) {
                Some(Ok(page)) => self.ready = page.entries.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

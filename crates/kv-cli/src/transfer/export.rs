//! Saves rows: one thread talks to the server, another formats and writes.

use std::thread;

use bytes::Bytes;
use futures_util::StreamExt;
use kv_client::{Client, ScanEntry};
use tokio::sync::mpsc;

use super::progress::Progress;
use super::report::Report;
use super::sink::Sink;
use super::writer::RowWriter;
use crate::failure::Failure;
use crate::limits::{PAGE_BYTES_MAX, PAGE_KEYS_MAX, QUEUE_MAX};
use crate::stopwatch::{Stopwatch, unix_ms};

/// What to save, and where.
#[derive(Debug)]
pub(crate) struct Export {
    /// Only keys that start with this.
    pub(crate) prefix: Bytes,
    pub(crate) writer: RowWriter,
    pub(crate) sink: Sink,
}

/// Entries, and the Unix time at which they came.
struct Page {
    entries: Vec<ScanEntry>,
    now_ms: u64,
}

/// Saves all rows.
pub(crate) async fn export(
    client: &Client,
    export: Export,
    progress: &Progress,
) -> Result<Report, Failure> {
    let stopwatch = Stopwatch::start();
    let Export { prefix, writer, mut sink } = export;
    let (to_writer, pages) = mpsc::channel(QUEUE_MAX);
    let (written_to, mut written) = mpsc::channel(QUEUE_MAX);
    let writing = thread::spawn(move || {
        let outcome = write(pages, writer, &mut sink, &written_to);
        outcome.map(|()| sink)
    });
    let (scanned, report) = tokio::join!(scan(client, prefix, to_writer), async {
        let mut report = Report::default();
        while let Some((rows, bytes)) = written.recv().await {
            report.written += rows;
            report.bytes += bytes;
            progress.rows("written", report.written, report.bytes);
        }
        report
    });
    progress.end();
    let outcome = writing.join();
    let outcome = outcome.unwrap_or_else(|_panicked| {
        Err(Failure::Usage("the writing thread has failed".to_owned()))
    });
    // If writing failed, that is why scanning ended, so that it is what to tell.
    let sink = outcome?;
    scanned?;
    sink.finish()?;
    Ok(Report { acknowledged: report.written, elapsed: stopwatch.elapsed(), ..report })
}

/// Reads page after page, until the end or until nobody takes them.
async fn scan(
    client: &Client,
    prefix: Bytes,
    to: mpsc::Sender<Page>,
) -> Result<(), kv_client::Error> {
    let scan = client.scan(prefix).values().page_keys(PAGE_KEYS_MAX).page_bytes(PAGE_BYTES_MAX);
    let mut pages = scan.pages();
    while let Some(page) = pages.next().await {
        let page = Page { entries: page?.entries, now_ms: unix_ms() };
        if to.send(page).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Writes page after page, and tells how many rows and bytes each time.
fn write(
    mut pages: mpsc::Receiver<Page>,
    writer: RowWriter,
    sink: &mut Sink,
    written: &mpsc::Sender<(u64, u64)>,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    writer.header(&mut text);
    while let Some(page) = pages.blocking_recv() {
        for entry in &page.entries {
            writer.row(entry, page.now_ms, &mut text).map_err(Failure::Usage)?;
        }
        sink.write(&text)?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let counts = (count(page.entries.len()), count(text.len()));
        if written.blocking_send(counts).is_err() {
            // Nobody counts any more: the export has failed elsewhere.
            break;
        }
        text.clear();
    }
    sink.write(&text)
}

//! Loads rows: one thread reads and parses, another talks to the server.
//!
//! Answers come in the order of the rows, so "N rows acknowledged" means the first N well-formed rows
//! of the file. Whatever happens then, `--skip-rows N` goes on from there.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use kv_client::{BatchReply, Client, Durability, Error, PipelineReceiver, PipelineSender};
use tokio::sync::mpsc;

use super::feed::{Feed, Note, Portion, Reading};
use super::progress::Progress;
use super::reader::RowReader;
use super::report::Report;
use crate::limits::{IN_FLIGHT_MAX, QUEUE_MAX};
use crate::stopwatch::Stopwatch;

/// How to load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Import {
    /// The TTL of rows that bring none.
    pub(crate) ttl: Option<Duration>,
    /// Leave keys alone that exist.
    pub(crate) skip_existing: bool,
    /// End at the first line that fails.
    pub(crate) strict: bool,
    /// Rows at the start of the file that are not sent.
    pub(crate) skip_rows: u64,
    /// How safe rows must be before they are acknowledged.
    pub(crate) durability: Option<Durability>,
}

/// How an import ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// At the end of the file, or with `strict` at the first failure.
    Complete,
    /// The file could not be read on.
    Unreadable(io::Error),
    /// The server could not be reached, or ended the stream.
    Broken(Error),
}

/// Loads all rows of `rows`.
pub(crate) async fn import<R: Read + Send + 'static>(
    client: &Client,
    rows: RowReader<R>,
    options: Import,
    progress: &Progress,
) -> (Report, Ending) {
    let stopwatch = Stopwatch::start();
    let mut report = Report::default();
    let pipeline = match client.pipeline().in_flight_max(IN_FLIGHT_MAX).open().await {
        Ok(pipeline) => pipeline,
        Err(error) => return (report, Ending::Broken(error)),
    };
    let (sender, receiver) = pipeline.split();
    let (to_network, portions) = mpsc::channel(QUEUE_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let feed = Feed::new(to_network, Arc::clone(&stop));
    let reader = thread::spawn(move || feed.run(rows, options));
    // Notes go ahead of their batches, of which one may wait for its turn.
    let (to_collector, notes) = mpsc::channel(IN_FLIGHT_MAX + 1);
    let mut collector = Collector { options, stop, progress, report: &mut report };
    let outcome = tokio::select! {
        // A failure while collecting must not wait for a reader that waits for standard input.
        outcome = collector.collect(receiver, notes) => outcome,
        error = send(sender, portions, to_collector) => Err(error),
    };
    report.elapsed = stopwatch.elapsed();
    progress.end();
    if let Err(error) = outcome {
        // What was malformed so far is with the reader, which may never come back.
        return (report, Ending::Broken(error));
    }
    let reading = reader.join().unwrap_or_else(|_panicked| Reading {
        failure: Some(io::Error::other("the reading thread has failed")),
        ..Reading::default()
    });
    report.malformed = reading.malformed;
    (report, reading.failure.map_or(Ending::Complete, Ending::Unreadable))
}

/// Sends portions as they come. Comes back when sending fails; when there are no more, or the stream
/// is broken, it ends the stream and leaves the rest to the collector.
async fn send(
    sender: PipelineSender,
    portions: mpsc::Receiver<Portion>,
    notes: mpsc::Sender<Note>,
) -> Error {
    match send_all(sender, portions, notes).await {
        Ok(()) | Err(Error::PipelineClosed) => std::future::pending().await,
        Err(error) => error,
    }
}

async fn send_all(
    mut sender: PipelineSender,
    mut portions: mpsc::Receiver<Portion>,
    notes: mpsc::Sender<Note>,
) -> Result<(), Error> {
    while let Some(Portion { batch, note }) = portions.recv().await {
        if notes.send(note).await.is_err() {
            return Err(Error::PipelineClosed);
        }
        sender.send(batch).await?;
    }
    Ok(())
}

/// Counts answers.
struct Collector<'a> {
    options: Import,
    stop: Arc<AtomicBool>,
    progress: &'a Progress,
    report: &'a mut Report,
}

impl Collector<'_> {
    async fn collect(
        &mut self,
        mut receiver: PipelineReceiver,
        mut notes: mpsc::Receiver<Note>,
    ) -> Result<(), Error> {
        while let Some(reply) = receiver.recv().await {
            let BatchReply { results, achieved } = reply?;
            self.report.reached(achieved);
            let Some(note) = notes.recv().await else { break };
            for (line, result) in note.lines.iter().zip(results) {
                self.report.acknowledged += 1;
                match result {
                    Ok(_) => self.report.written += 1,
                    Err(Error::ConditionFailed { .. }) => self.report.existing += 1,
                    Err(error) => {
                        self.report.refused.add(*line, error);
                        self.stop.fetch_or(self.options.strict, Ordering::Relaxed);
                    }
                }
            }
            self.report.bytes += u64::try_from(note.bytes).unwrap_or(u64::MAX);
            self.progress.rows("acknowledged", self.report.acknowledged, note.offset);
        }
        Ok(())
    }
}

//! The log's threads: one writes, one makes segments in advance.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kv_core::{Clock, Durability, JournalError, Progress as _};

use super::journal::{FileJournal, WriterState};
use super::options::{LINGER, LINGER_BYTES_MAX, SPACE_RETRY, SPARE_RETRY};
use super::segments::{LogStart, SegmentError, no_segment};
use super::writer::{Turn, Writer};

/// The threads of a log that takes records. Dropping it stops the log cleanly.
#[derive(Debug)]
pub struct LogThreads {
    journal: Arc<FileJournal>,
    threads: Vec<JoinHandle<()>>,
}

impl LogThreads {
    /// Lets the log take records, from where recovery ended.
    ///
    /// # Errors
    /// The disk's, when its files cannot be listed, or the system's, when it gives no threads.
    pub fn start(
        journal: Arc<FileJournal>,
        clock: Arc<dyn Clock>,
        start: &LogStart,
    ) -> io::Result<Self> {
        journal.segments.adopt(start)?;
        journal.open(start.next_lsn);
        let mut writer = Writer::new(Arc::clone(&journal), clock, start);
        let (writing, preparing) = (Arc::clone(&journal), Arc::clone(&journal));
        let mut started = Self { journal, threads: Vec::new() };
        started.spawn("kv-log", move || write_until_stopped(&writing, &mut writer))?;
        started.spawn("kv-log-spare", move || prepare_until_stopped(&preparing))?;
        Ok(started)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// Writes and syncs everything that waits, marks the log as cleanly ended and stops. Records that come
    /// later are refused.
    ///
    /// # Errors
    /// [`JournalError`] when that did not work: records may be lost.
    pub fn stop(mut self) -> Result<(), JournalError> {
        self.end();
        self.journal.health()
    }

    fn end(&mut self) {
        // In this order: a writer that is stopping must find the reserve released, or it would give up what it
        // has in hand for want of a segment that nobody makes any more.
        self.journal.segments.stop_preparing();
        self.journal.begin_stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log has panicked");
            }
        }
    }
}

/// Tells everyone who waits when the writer's thread ends in a panic.
struct Alarm<'a>(&'a FileJournal);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail("the thread that writes the log has panicked".to_owned());
        }
    }
}

fn write_until_stopped(journal: &FileJournal, writer: &mut Writer) {
    let _alarm = Alarm(journal);
    let mut last = Turn::Done { sync_due: None };
    while journal.wait_for_work(last) {
        // On busy processors whoever is ready to append comes first: one sync then serves them too. On idle
        // ones this costs nothing.
        thread::yield_now();
        last = writer.turn();
        if last == Turn::Failed {
            return;
        }
    }
    writer.close();
}

impl Drop for LogThreads {
    fn drop(&mut self) {
        self.end();
    }
}

fn prepare_until_stopped(journal: &FileJournal) {
    let mut failed = false;
    while journal.segments.wait_until_wanted(failed) {
        let prepared = journal.segments.prepare();
        failed = prepared.is_err();
        match prepared {
            Ok(()) => journal.space_found(),
            Err(SegmentError::Full(error)) => {
                // In this order: what is kept free for deletes must not go to other writes.
                journal.space_lost(&no_segment(&error));
                journal.segments.release_reserve();
            }
            // If it stays so, the writer will find out when it needs one.
            Err(SegmentError::Failed(error)) => {
                tracing::warn!(%error, "a log segment cannot be made in advance; trying again");
                journal.segments.release_reserve();
            }
            Err(SegmentError::NotReady) => {}
        }
    }
}

impl FileJournal {
    fn begin_stop(&self) {
        let mut buffer = self.buffer.lock();
        buffer.stopping = true;
        buffer.pending.refuse_from_now_on();
        self.work.notify_all();
    }

    /// Waits until there is something to do after a turn; false when the log stops.
    fn wait_for_work(&self, last: Turn) -> bool {
        let sync_due = match last {
            Turn::Done { sync_due } => sync_due,
            Turn::NotReady => return self.wait_for_space(SPARE_RETRY),
            Turn::NoSpace => return self.wait_for_space(SPACE_RETRY),
            Turn::Failed => return false,
        };
        let mut buffer = self.buffer.lock();
        loop {
            if buffer.stopping {
                return false;
            }
            let wanted = buffer.wanted_written > self.reached(Durability::Buffered)
                || self.is_sync_awaited(&buffer)
                || buffer.fsync_changed;
            if wanted || buffer.pending.bytes() >= LINGER_BYTES_MAX {
                return true;
            }
            if buffer.pending.batches() > 0 {
                buffer.writer = WriterState::Lingers;
                self.work.wait_for(&mut buffer, LINGER);
                buffer.writer = WriterState::Busy;
                return !buffer.stopping;
            }
            buffer.writer = WriterState::Idle;
            let mut timed_out = false;
            if let Some(due) = sync_due {
                timed_out = self.work.wait_for(&mut buffer, due.max(MILLISECOND)).timed_out();
            } else {
                self.work.wait(&mut buffer);
            }
            buffer.writer = WriterState::Busy;
            if timed_out {
                return true;
            }
        }
    }

    fn wait_for_space(&self, at_most: Duration) -> bool {
        let mut buffer = self.buffer.lock();
        if !buffer.stopping {
            self.work.wait_for(&mut buffer, at_most);
        }
        !buffer.stopping
    }
}

/// The clock's resolution: waiting for less would be spinning.
const MILLISECOND: Duration = Duration::from_millis(1);

//! The thread that reads a file: parses rows and cuts them into portions for the network.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kv_client::Batch;
use kv_client::op::Set;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::import::Import;
use super::reader::RowReader;
use super::report::Failures;
use super::row::{Expiry, Row};
use crate::cmd::unix_time;
use crate::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, IN_FLIGHT_KIB_MAX};

/// Rows that are sent together.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) batch: Batch,
    /// What is told about them when they are acknowledged.
    pub(crate) note: Note,
}

/// What is remembered of rows under way.
#[derive(Debug, Default)]
pub(crate) struct Note {
    /// The line of each.
    pub(crate) lines: Vec<u64>,
    /// Bytes of keys and values.
    pub(crate) bytes: usize,
    /// How far into the file they reach.
    pub(crate) offset: u64,
    /// Their share of the memory for rows under way, given back when this is dropped.
    share: Option<OwnedSemaphorePermit>,
}

/// What the thread knows at its end.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) malformed: Failures,
    pub(crate) failure: Option<io::Error>,
}

/// The thread's connections to the network.
#[derive(Debug)]
pub(crate) struct Feed {
    to: mpsc::Sender<Portion>,
    /// Set when rows shall not be read on.
    stop: Arc<AtomicBool>,
    /// KiB of rows that may still be under way.
    room: Arc<Semaphore>,
    runtime: Handle,
}

impl Feed {
    /// Feeds `to` from a thread until `stop` is set. Made on the network's thread.
    pub(crate) fn new(to: mpsc::Sender<Portion>, stop: Arc<AtomicBool>) -> Self {
        let room = Arc::new(Semaphore::new(IN_FLIGHT_KIB_MAX));
        Self { to, stop, room, runtime: Handle::current() }
    }

    /// Reads until the file ends, nobody takes the rows, or one must stop.
    pub(crate) fn run<R: Read>(self, mut rows: RowReader<R>, options: Import) -> Reading {
        let mut reading = Reading::default();
        let mut to_skip = options.skip_rows;
        let mut portion = Portion::new(options);
        while !self.stop.load(Ordering::Relaxed) {
            match rows.next() {
                Ok(None) => break,
                Err(error) => {
                    reading.failure = Some(error);
                    break;
                }
                Ok(Some((line, Err(malformed)))) => {
                    reading.malformed.add(line, malformed);
                    if options.strict {
                        break;
                    }
                }
                Ok(Some((_, Ok(_)))) if to_skip > 0 => to_skip -= 1,
                Ok(Some((line, Ok(row)))) => {
                    if !portion.has_room_for(&row) {
                        let full = std::mem::replace(&mut portion, Portion::new(options));
                        if !self.send(full) {
                            return reading;
                        }
                    }
                    portion.push(line, row, options);
                    portion.note.offset = rows.offset();
                }
            }
        }
        // If nobody takes the last rows, the network's side knows why.
        if !portion.note.lines.is_empty() {
            self.send(portion);
        }
        reading
    }

    /// Hands a portion over when there is memory for it; false when nobody takes it.
    fn send(&self, mut portion: Portion) -> bool {
        portion.note.bytes = portion.batch.payload_bytes();
        let share = portion.note.bytes.div_ceil(1 << 10).min(IN_FLIGHT_KIB_MAX);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let acquire = Arc::clone(&self.room).acquire_many_owned(share);
        portion.note.share = self.runtime.block_on(acquire).ok();
        self.to.blocking_send(portion).is_ok()
    }
}

impl Portion {
    fn new(options: Import) -> Self {
        let mut batch = Batch::with_capacity(BATCH_ROWS_MAX);
        if let Some(level) = options.durability {
            batch = batch.durability(level);
        }
        let lines = Vec::with_capacity(BATCH_ROWS_MAX);
        Self { batch, note: Note { lines, ..Note::default() } }
    }

    /// A row longer than a whole portion has one to itself.
    fn has_room_for(&self, row: &Row) -> bool {
        let bytes = self.batch.payload_bytes() + row.key.len() + row.value.len();
        self.batch.is_empty() || (self.batch.len() < BATCH_ROWS_MAX && bytes <= BATCH_BYTES_MAX)
    }

    fn push(&mut self, line: u64, row: Row, options: Import) {
        let mut set = Set::new(row.key, row.value);
        set = match (row.expiry, options.ttl) {
            (Some(Expiry::At(millis)), _) => set.expires_at(unix_time(millis)),
            (Some(Expiry::Ttl(ttl)), _) | (None, Some(ttl)) => set.ttl(ttl),
            (None, None) => set,
        };
        self.batch.push(if options.skip_existing { set.if_absent() } else { set });
        self.note.lines.push(line);
    }
}

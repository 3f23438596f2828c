//! Bodies of requests: read as they come, within bounds of length and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::limits::{BODY_ROOM_BYTES_MAX, SKIP_BYTES_MAX};
use super::problem::{Problem, Reason};
use crate::budget::Held;
use crate::patience::{RATE_MIN, allowed};

/// Says of a connection that its client was answered before all it had sent was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    /// Whether something was left.
    pub(super) fn is_left(&self) -> bool {
        // Set and read by the task of the connection.
        self.0.load(Ordering::Relaxed)
    }
}

/// The body of a request, on its way.
#[derive(Debug)]
pub(super) struct Upload<'a> {
    incoming: Incoming,
    unread: Unread,
    /// What has arrived is held here.
    held: &'a Held,
    /// How long it may take, beside what its length allows.
    timeout: Duration,
    ended: bool,
    /// It was too long, too slow or malformed: nothing more is wanted of it.
    refused: bool,
}

impl<'a> Upload<'a> {
    /// A body that says to `unread` when it is not read to its end.
    pub(super) fn new(
        incoming: Incoming,
        unread: Unread,
        held: &'a Held,
        timeout: Duration,
    ) -> Self {
        let ended = incoming.is_end_stream();
        Self { incoming, unread, held, timeout, ended, refused: false }
    }

    /// Whether there is no body at all, as far as that can be known without reading.
    pub(super) fn is_empty(&self) -> bool {
        self.ended
    }

    /// Reads the whole body, of at most `bytes_max` bytes. A longer one is refused as soon as it says so, or
    /// it is seen.
    ///
    /// Nothing is set aside for what has not come: memory grows with what arrives.
    pub(super) async fn read(&mut self, bytes_max: Limit) -> Result<Bytes, Problem> {
        let read = self.read_whole(bytes_max).await;
        self.refused = read.is_err();
        read
    }

    async fn read_whole(&mut self, bytes_max: Limit) -> Result<Bytes, Problem> {
        let announced = self.incoming.size_hint().lower();
        if announced > bytes_max.bytes as u64 {
            return Err(bytes_max.exceeded());
        }
        let start = Instant::now();
        let Some(first) = self.chunk(start, 0).await? else {
            return Ok(Bytes::new());
        };
        bytes_max.check(first.len())?;
        // A body that came in one piece is not copied.
        let Some(second) = self.chunk(start, first.len()).await? else {
            return Ok(first);
        };
        let room = usize::try_from(announced).unwrap_or(usize::MAX).min(BODY_ROOM_BYTES_MAX);
        let mut all = BytesMut::with_capacity(room.max(first.len() + second.len()));
        all.extend_from_slice(&first);
        drop(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            bytes_max.check(all.len() + chunk.len())?;
            all.extend_from_slice(&chunk);
            drop(chunk);
            next = self.chunk(start, all.len()).await?;
        }
        Ok(all.freeze())
    }

    /// The next piece, when there is one. The time allowed for it depends on what has come before.
    async fn chunk(&mut self, start: Instant, read: usize) -> Result<Option<Bytes>, Problem> {
        while !self.ended {
            let allowed = allowed(self.timeout, read as u64);
            let Ok(frame) = timeout_at(start + allowed, self.incoming.frame()).await else {
                return Err(too_slow(read, allowed));
            };
            match frame {
                None => self.ended = true,
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        self.ended = self.incoming.is_end_stream();
                        self.held.add(data.len() as u64)?;
                        return Ok(Some(data));
                    }
                    // Trailers tell nothing that is needed.
                    Err(_trailers) => {}
                },
            }
        }
        Ok(None)
    }
}

impl Upload<'_> {
    /// Reads what is left and throws it away, where it is short: else the connection would have to be closed
    /// after the answer.
    pub(super) async fn skip(&mut self) {
        let start = Instant::now();
        let mut skipped = 0;
        while !self.refused
            && self.incoming.size_hint().lower() <= (SKIP_BYTES_MAX - skipped) as u64
        {
            match self.chunk(start, skipped).await {
                Ok(Some(chunk)) if skipped + chunk.len() <= SKIP_BYTES_MAX => {
                    skipped += chunk.len()
                }
                _ => return,
            }
        }
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.unread.0.store(true, Ordering::Relaxed);
        }
    }
}

/// How long a body may be, and which setting says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    /// Bytes at most.
    pub(super) bytes: usize,
    /// The configuration key.
    pub(super) setting: &'static str,
}

impl Limit {
    fn check(self, given: usize) -> Result<(), Problem> {
        if given > self.bytes { Err(self.exceeded()) } else { Ok(()) }
    }

    fn exceeded(self) -> Problem {
        let Self { bytes, setting } = self;
        Problem::new(
            Reason::BodyTooLong,
            format!("the body is too long: at most {bytes} bytes are allowed here ({setting})"),
        )
    }
}

fn too_slow(read: usize, allowed: Duration) -> Problem {
    let text = format!(
        "only {read} bytes of the body came within {} seconds: a body must begin to come at once, and go on \
         with at least {RATE_MIN} bytes a second (limits.request_timeout)",
        allowed.as_secs()
    );
    Problem::new(Reason::BodyTimeout, text)
}

fn broken(error: &hyper::Error) -> Problem {
    Problem::new(Reason::BadBody, format!("the body could not be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_allows_its_last_byte() {
        let limit = Limit { bytes: 10, setting: "limits.value_bytes_max" };
        assert_eq!(limit.check(10), Ok(()));
        let problem = limit.check(11).unwrap_err();
        assert!(problem.detail().contains("10 bytes"), "{}", problem.detail());
        assert!(problem.detail().contains("limits.value_bytes_max"), "{}", problem.detail());
    }
}

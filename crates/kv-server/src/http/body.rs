//! Bodies of requests: read as they come, within bounds of length and time.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Frame, Incoming};
use tokio::time::{Instant, timeout_at};

use super::activity::Activity;
use super::limits::{BODY_ROOM_BYTES_MAX, SKIP_BYTES_MAX};
use super::problem::{Problem, Reason};
use crate::budget::Held;
use crate::clock::Stopwatch;
use crate::contract::Refusal;
use crate::patience::allowed;
use crate::slow::tell;

/// The body of a request, on its way. What has arrived of it is held in the account of the connection.
#[derive(Debug)]
pub(super) struct Upload {
    incoming: Incoming,
    held: Held,
    /// How long it may take, beside what its length allows.
    timeout: Duration,
    activity: Activity,
    ended: bool,
    /// It went on for too long, was too slow or malformed: nothing more is wanted of it.
    refused: bool,
}

impl Upload {
    /// A body that says to `activity` when it is not read to its end.
    pub(super) fn new(
        incoming: Incoming,
        held: Held,
        timeout: Duration,
        activity: Activity,
    ) -> Self {
        let ended = incoming.is_end_stream();
        Self { incoming, held, timeout, activity, ended, refused: false }
    }

    /// Whether there is no more of it, as far as that can be known without reading.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether there is nothing in it. A body of unknown length is waited for.
    pub(super) async fn is_empty(&mut self) -> Result<bool, Problem> {
        let announced = self.incoming.size_hint().lower();
        Ok(announced == 0 && self.chunk(Instant::now(), 0).await?.is_none())
    }

    /// Reads the whole body. One that is longer than the limit is refused as soon as it says so, or it is seen.
    ///
    /// Nothing is set aside for what has not come: memory grows with what arrives.
    pub(super) async fn read(&mut self, limit: Limit) -> Result<Bytes, Problem> {
        let announced = self.incoming.size_hint().lower();
        if announced > limit.bytes as u64 {
            return Err(limit.exceeded());
        }
        let read = self.read_whole(announced, limit).await;
        self.refused = read.is_err();
        read
    }

    async fn read_whole(&mut self, announced: u64, limit: Limit) -> Result<Bytes, Problem> {
        let start = Instant::now();
        let Some(first) = self.chunk(start, 0).await? else {
            return Ok(Bytes::new());
        };
        self.accept(first.len(), first.len(), limit)?;
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
            self.accept(chunk.len(), all.len() + chunk.len(), limit)?;
            all.extend_from_slice(&chunk);
            drop(chunk);
            next = self.chunk(start, all.len()).await?;
        }
        Ok(all.freeze())
    }

    /// Holds another piece of a body that is now so long.
    fn accept(&self, piece: usize, length: usize, limit: Limit) -> Result<(), Problem> {
        limit.check(length)?;
        let added = self.held.add(piece as u64);
        Ok(added.map_err(|overload| Refusal::Overloaded { overload, executed: false })?)
    }

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
                    skipped += chunk.len();
                }
                _ => return,
            }
        }
    }

    /// The next piece, when there is one. The time allowed for it depends on what has come before.
    async fn chunk(&mut self, start: Instant, read: usize) -> Result<Option<Bytes>, Problem> {
        let arrived = read as u64;
        let within = allowed(self.timeout, arrived);
        while !self.ended {
            let Ok(frame) = timeout_at(start + within, self.frame()).await else {
                return Err(Refusal::TooSlow { arrived, within }.into());
            };
            match frame {
                None => self.ended = true,
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        self.ended = self.incoming.is_end_stream();
                        return Ok(Some(data));
                    }
                    // Trailers tell nothing that is needed.
                    Err(_trailers) => {}
                },
            }
        }
        Ok(None)
    }

    async fn frame(&mut self) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        let mut missing = None;
        std::future::poll_fn(|context| {
            let polled = Pin::new(&mut self.incoming).poll_frame(context);
            if polled.is_pending() {
                missing.get_or_insert_with(Stopwatch::start);
            } else if let Some(missing) = missing.take() {
                tell::arrival(missing.elapsed());
            }
            polled
        })
        .await
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.ended {
            self.activity.leave_unread();
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

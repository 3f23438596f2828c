//! Finds the commands in what has arrived, at whatever places that was split.

use super::batch::{Batch, Frame, Place, Span};
use super::number::{self, Line};
use super::{ProtocolError, inline};
use crate::limits::{Limits, UNAUTHENTICATED_ARGS_MAX, UNAUTHENTICATED_BULK_BYTES_MAX};

/// Room for this many arguments and commands, and bytes of inline words, is kept between calls.
const KEPT: usize = 1024;

/// The bytes behind an argument. As in Redis, nobody looks which they are.
const BULK_END_BYTES: usize = 2;

/// Reads the requests of one connection.
///
/// It owns no bytes, only where things stand in the caller's: per argument 16 bytes, less than three times what
/// the shortest takes on the wire. What it knows of a command that is partly there is not looked at again, so
/// a request costs time in proportion to its length, however small the pieces it arrives in.
pub struct Decoder {
    limits: Limits,
    is_authenticated: bool,
    /// The arguments of the complete commands, then those of the command that is partly there.
    spans: Vec<Span>,
    frames: Vec<Frame>,
    /// What inline commands say without their quotes.
    words: Vec<u8>,
    progress: Progress,
    error: Option<ProtocolError>,
}

impl std::fmt::Debug for Decoder {
    /// Without inline words: they may be secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("limits", &self.limits)
            .field("is_authenticated", &self.is_authenticated)
            .field("progress", &self.progress)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// How far the command is understood that is partly there. Places count from its first byte.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// What is before has been understood.
    at: usize,
    /// The line that begins at `at` does not end before this place.
    searched: usize,
    /// How many arguments are yet to come; 0 where their count is.
    args_left: usize,
    /// The length of the argument that begins at `at`; none where its length does.
    bulk: Option<usize>,
}

/// What was found at the start of some bytes.
enum Step {
    /// A command, whose spans have been pushed.
    Command { place: Origin, len: usize },
    /// Something that Redis passes over in silence.
    Nothing { len: usize },
    /// The beginning of something.
    Partial,
}

/// Where the spans of a step count from.
enum Origin {
    Command,
    Words,
}

impl Decoder {
    /// For a connection that need not authenticate, or has.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            is_authenticated: true,
            spans: Vec::new(),
            frames: Vec::new(),
            words: Vec::new(),
            progress: Progress::default(),
            error: None,
        }
    }

    /// Sets the limits for what is not decoded yet.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Tells whether the client may send more than
    /// [`UNAUTHENTICATED_ARGS_MAX`] arguments or
    /// [`UNAUTHENTICATED_BULK_BYTES_MAX`] in one, from what is not decoded
    /// yet on. While it may not, decode one command at a time: each may be the one that authenticates.
    pub fn set_authenticated(&mut self, is_authenticated: bool) {
        self.is_authenticated = is_authenticated;
    }

    /// Finds all complete commands at the start of `input`, or the first `commands_max` of them.
    ///
    /// `input` begins with what the batch before has not [consumed](Batch::consumed), followed by what has arrived
    /// since. After an [error](Batch::error) all further batches are empty and say the same.
    pub fn decode<'a>(&'a mut self, input: &'a [u8], commands_max: usize) -> Batch<'a> {
        self.forget_last_batch();
        let mut start = 0;
        while self.error.is_none() && self.frames.len() < commands_max {
            let rest = input.get(start..).unwrap_or_default();
            match self.step(rest) {
                Ok(Step::Command { place, len }) => {
                    let place = match place {
                        Origin::Command => Place::Input { start },
                        Origin::Words => Place::Words,
                    };
                    start += len;
                    self.frames.push(Frame { place, end: start, spans_end: self.spans.len() });
                }
                Ok(Step::Nothing { len }) => start += len,
                Ok(Step::Partial) => break,
                Err(error) => self.error = Some(error),
            }
        }
        let rest = input.len().saturating_sub(start);
        let wanted = self
            .progress
            .bulk
            .map(|len| self.progress.at.saturating_add(len).saturating_add(BULK_END_BYTES));
        Batch {
            input,
            words: &self.words,
            spans: &self.spans,
            frames: &self.frames,
            consumed: start,
            missing: wanted.map_or(0, |wanted| wanted.saturating_sub(rest)),
            error: self.error,
        }
    }

    /// Gives back the memory that is kept for the next batch; for a connection that has fallen silent.
    pub fn shrink(&mut self) {
        self.forget_last_batch();
        self.spans.shrink_to_fit();
        self.frames.shrink_to_fit();
        self.words.shrink_to_fit();
    }

    /// Drops the complete commands, and what was needed for more of them than usual.
    fn forget_last_batch(&mut self) {
        if let Some(last) = self.frames.last() {
            self.spans.drain(..last.spans_end);
            self.frames.clear();
            self.words.clear();
            self.spans.shrink_to(KEPT.max(self.spans.len() * 2));
            self.frames.shrink_to(KEPT);
            self.words.shrink_to(KEPT);
        }
    }

    /// Looks at one command, whose bytes `bytes` begins with.
    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Result<Step, ProtocolError> {
        match bytes.first() {
            None => Ok(Step::Partial),
            Some(b'*') => self.multibulk(bytes),
            Some(_) => self.inline(bytes),
        }
    }

    /// `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`
    #[inline]
    fn multibulk(&mut self, bytes: &[u8]) -> Result<Step, ProtocolError> {
        let Progress { mut at, searched, mut args_left, mut bulk } = self.progress;
        if args_left == 0 {
            match number::line(bytes, 0, searched, self.limits.line_bytes_max) {
                Line::Whole { number, next } => {
                    args_left = self.args_count(number)?;
                    at = next;
                    if args_left == 0 {
                        self.progress = Progress::default();
                        return Ok(Step::Nothing { len: next });
                    }
                }
                Line::Partial { searched } => {
                    self.progress.searched = searched;
                    return Ok(Step::Partial);
                }
                Line::TooLong => return Err(ProtocolError::CountLineTooLong),
            }
        }
        while args_left > 0 {
            let len = match bulk.take() {
                Some(len) => len,
                None => match number::line(bytes, at, searched, self.limits.line_bytes_max) {
                    Line::Whole { number, next } => {
                        let len = self.bulk_len(number, bytes.get(at))?;
                        at = next;
                        len
                    }
                    Line::Partial { searched } => {
                        self.progress = Progress { at, searched, args_left, bulk: None };
                        return Ok(Step::Partial);
                    }
                    Line::TooLong => return Err(ProtocolError::LengthLineTooLong),
                },
            };
            let next = at.saturating_add(len).saturating_add(BULK_END_BYTES);
            if next > self.limits.request_bytes_max {
                return Err(ProtocolError::RequestTooLong);
            }
            if next > bytes.len() {
                self.progress = Progress { at, searched: 0, args_left, bulk: Some(len) };
                return Ok(Step::Partial);
            }
            self.spans.push(Span { start: at, len });
            at = next;
            args_left -= 1;
        }
        self.progress = Progress::default();
        Ok(Step::Command { place: Origin::Command, len: at })
    }

    /// How many arguments a count announces; 0 for a command to be passed over.
    #[inline]
    fn args_count(&self, number: Option<i64>) -> Result<usize, ProtocolError> {
        let number = number.ok_or(ProtocolError::InvalidCount)?;
        let count = usize::try_from(number).unwrap_or(0);
        if count > self.limits.args_max {
            return Err(ProtocolError::InvalidCount);
        }
        if count > UNAUTHENTICATED_ARGS_MAX && !self.is_authenticated {
            return Err(ProtocolError::UnauthenticatedCount);
        }
        Ok(count)
    }

    /// The length that a line announces, which begins with `kind`.
    #[inline]
    fn bulk_len(&self, number: Option<i64>, kind: Option<&u8>) -> Result<usize, ProtocolError> {
        if let Some(&got) = kind.filter(|&&kind| kind != b'$') {
            return Err(ProtocolError::ExpectedBulk { got });
        }
        let len = number.and_then(|number| usize::try_from(number).ok());
        let len = len.ok_or(ProtocolError::InvalidLength)?;
        if len > self.limits.bulk_bytes_max {
            return Err(ProtocolError::InvalidLength);
        }
        if len > UNAUTHENTICATED_BULK_BYTES_MAX && !self.is_authenticated {
            return Err(ProtocolError::UnauthenticatedLength);
        }
        Ok(len)
    }

    /// `GET "my key"\r\n`
    #[cold]
    fn inline(&mut self, bytes: &[u8]) -> Result<Step, ProtocolError> {
        let from = self.progress.searched;
        let unsearched = bytes.get(from..).unwrap_or_default();
        let end = unsearched.iter().position(|&byte| byte == b'\n').map(|index| from + index);
        if end.unwrap_or(bytes.len()) > self.limits.line_bytes_max {
            return Err(ProtocolError::InlineTooLong);
        }
        let Some(end) = end else {
            self.progress.searched = bytes.len();
            return Ok(Step::Partial);
        };
        self.progress = Progress::default();
        let line = bytes.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let words_before = self.spans.len();
        inline::split(line, &mut self.words, &mut self.spans)
            .map_err(|inline::UnbalancedQuotes| ProtocolError::UnbalancedQuotes)?;
        let len = end + 1;
        if self.spans.len() == words_before {
            return Ok(Step::Nothing { len });
        }
        Ok(Step::Command { place: Origin::Words, len })
    }
}

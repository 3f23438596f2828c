//! The answers of one turn: encoded one after the other, with large values by reference, and with the log
//! positions that each rests on.

use std::time::Duration;

use bytes::Bytes;
use kv_core::Value;
use kv_resp::{Encoder, ProtocolError, Version};

use super::failure::Failure;
use super::turns::Turn;
use crate::promise::Basis;

/// A value from this length on is not copied: its bytes go from the store to the socket, decompressed on the way if
/// need be. The engine shares values of this length, too.
const LARGE_BYTES_MIN: usize = 16 << 10;

/// Room for this many bytes is kept between turns.
const KEPT_BYTES: usize = 64 << 10;

/// Room for this many positions is kept between turns.
const KEPT_BASES: usize = 1024;

/// Answers on their way from the commands to the socket.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Everything but the large values.
    bytes: Vec<u8>,
    /// In the order of their places.
    large: Vec<Large>,
    large_bytes: usize,
    /// Bytes that have to be decompressed to send them.
    owed_bytes: usize,
    /// The answers that rest on a position of the log, in order.
    bases: Vec<Based>,
    /// How long the work had to wait before it was begun, if it was done beside the turns.
    pub(crate) queued: Duration,
    /// The work, if it was done beside the turns.
    pub(super) work: Option<Box<Turn>>,
}

/// A large value, as the store keeps it, and where it goes among the bytes.
#[derive(Debug)]
struct Large {
    at: usize,
    value: Value,
}

/// An answer that rests on a position of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Based {
    /// Where it starts among all bytes.
    pub(crate) start: usize,
    /// Where it ends among all bytes.
    pub(crate) end: usize,
    pub(crate) basis: Basis,
}

/// Where an answer begins, to come back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    large: usize,
    large_bytes: usize,
    owed_bytes: usize,
    bases: usize,
}

impl Answers {
    /// Writes the next reply, or the next part of one.
    #[inline]
    pub(crate) fn encoder(&mut self, version: Version) -> Encoder<'_, Vec<u8>> {
        Encoder::new(&mut self.bytes, version)
    }

    /// `+OK`
    #[inline]
    pub(crate) fn ok(&mut self) {
        self.bytes.extend_from_slice(b"+OK\r\n");
    }

    /// A value: small ones are copied, and decompressed if need be; large ones, and parts of large ones that are
    /// compressed, are taken along as they are. The same in every version.
    #[inline]
    pub(crate) fn bulk(&mut self, value: Value) {
        Encoder::new(&mut self.bytes, Version::Resp2).bulk_header(value.len());
        if value.len().max(value.decompressed_len()) < LARGE_BYTES_MIN {
            value.append_to(&mut self.bytes);
        } else {
            self.large_bytes += value.len();
            self.owed_bytes += value.decompressed_len();
            self.large.push(Large { at: self.bytes.len(), value });
        }
        Encoder::new(&mut self.bytes, Version::Resp2).bulk_end();
    }

    /// Replies that are ready as bytes.
    pub(crate) fn append(&mut self, replies: Bytes) {
        self.large_bytes += replies.len();
        self.large.push(Large { at: self.bytes.len(), value: replies.into() });
    }

    /// An error.
    #[cold]
    pub(crate) fn error(&mut self, failure: &Failure) {
        Encoder::new(&mut self.bytes, Version::Resp2).error(failure.to_string());
    }

    /// Why nothing more can be understood.
    #[cold]
    pub(crate) fn protocol_error(&mut self, error: ProtocolError) {
        Encoder::new(&mut self.bytes, Version::Resp2).error(error.to_string());
    }

    /// How many bytes there are to send.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.large_bytes
    }

    /// Bytes that have to be decompressed to send them: those of whole values, also where a part is sent.
    pub(crate) fn owed_bytes(&self) -> usize {
        self.owed_bytes
    }

    /// What they cost whoever keeps and sends them, in bytes: those to send, and those to decompress. A part of a value
    /// that is compressed keeps all of it.
    pub(crate) fn weight(&self) -> usize {
        self.len() + self.owed_bytes
    }

    /// Remembers what the answer rests on that began at `start` and ends here.
    #[inline]
    pub(crate) fn rest_on(&mut self, start: usize, basis: Basis) {
        if basis != Basis::default() {
            self.bases.push(Based { start, end: self.len(), basis });
        }
    }

    /// Everything that some answer rests on.
    pub(crate) fn basis(&self) -> Basis {
        self.bases.iter().fold(Basis::default(), |all, based| all.and(based.basis))
    }

    /// The answers that rest on something.
    pub(crate) fn bases(&self) -> &[Based] {
        &self.bases
    }

    /// Where the next answer begins.
    pub(crate) fn mark(&self) -> Mark {
        let (bytes, large) = (self.bytes.len(), self.large.len());
        let Self { large_bytes, owed_bytes, .. } = *self;
        Mark { bytes, large, large_bytes, owed_bytes, bases: self.bases.len() }
    }

    /// Drops what was written since.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.large.truncate(mark.large);
        (self.large_bytes, self.owed_bytes) = (mark.large_bytes, mark.owed_bytes);
        self.bases.truncate(mark.bases);
    }

    /// The bytes when they are in one piece and not many.
    pub(crate) fn in_one_piece(&self) -> Option<&[u8]> {
        let is_short = self.large.is_empty() && self.bytes.len() <= KEPT_BYTES;
        is_short.then_some(&self.bytes)
    }

    /// Takes all bytes from `start` on, as pieces.
    pub(crate) fn take_pieces(&mut self, start: usize) -> impl Iterator<Item = Value> {
        let bytes = if self.bytes.len() > KEPT_BYTES {
            Bytes::from(std::mem::take(&mut self.bytes))
        } else {
            Bytes::copy_from_slice(&self.bytes)
        };
        let mut pieces = Vec::with_capacity(2 * self.large.len() + 1);
        let mut from = 0;
        for Large { at, value } in self.large.drain(..) {
            pieces.push(bytes.slice(from..at).into());
            pieces.push(value);
            from = at;
        }
        pieces.push(bytes.slice(from..).into());
        let mut passing = start;
        pieces.into_iter().filter_map(move |mut piece| {
            let passed = passing.min(piece.len());
            passing -= passed;
            piece.advance(passed);
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Begins anew, and gives back what was needed for more than usual.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.large.clear();
        self.large.shrink_to(KEPT_BASES);
        (self.large_bytes, self.owed_bytes) = (0, 0);
        self.bases.clear();
        self.bases.shrink_to(KEPT_BASES);
    }
}

//! What has arrived and is not executed yet: nothing, most of the time between turns.

use kv_resp::{Decoder, Limits};

use crate::clock::Stopwatch;

/// Bytes that are read with one call into the room that all connections of a thread share.
pub(super) const READ_BYTES: usize = 32 << 10;

/// A request of up to this length goes back to the room that connections share when the rest of it comes; a longer
/// one has room of its own.
const SHORT_BYTES: usize = READ_BYTES / 2;

/// Room of this length is made as soon as a client says that it will send so much: the system gives memory only
/// as far as it is filled. Beyond, the client has to send a part first.
const TRUSTED_BYTES: usize = 16 << 20;

/// The beginning of a request, or requests that could not be executed yet.
#[derive(Debug)]
pub(super) struct Input {
    /// Filled up to `filled`, and room from there on: none for a short request.
    buffer: Vec<u8>,
    filled: usize,
    /// What is known of the request that begins the buffer.
    pub(super) decoder: Decoder,
    /// Whether there may be whole requests, so that nothing need arrive before it is looked at.
    pub(super) is_ready: bool,
    /// When the client has begun to send what is not whole yet.
    pub(super) since: Stopwatch,
}

impl Input {
    /// Keeps the beginning of a request, of which `missing` bytes must come at least, and what is known of it.
    /// It may have begun earlier.
    pub(super) fn partial(
        bytes: &[u8],
        missing: usize,
        mut decoder: Decoder,
        since: Option<Stopwatch>,
    ) -> Box<Self> {
        decoder.shrink();
        let (buffer, filled) = (copied(bytes, room(bytes.len(), missing)), bytes.len());
        let since = since.unwrap_or_else(Stopwatch::start);
        Box::new(Self { buffer, filled, decoder, is_ready: false, since })
    }

    /// Keeps requests that could not be executed yet. They are decoded again.
    pub(super) fn unexecuted(bytes: &[u8], limits: Limits) -> Box<Self> {
        let (buffer, decoder, since) = (bytes.to_vec(), Decoder::new(limits), Stopwatch::start());
        Box::new(Self { buffer, filled: bytes.len(), decoder, is_ready: true, since })
    }

    /// The bytes, if they are so few that they go back to the room that connections share when there are more.
    pub(super) fn short(&self) -> Option<&[u8]> {
        (!self.is_ready && self.filled == self.buffer.len()).then_some(&self.buffer)
    }

    /// Where the next bytes go.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// So many bytes of the room were filled.
    pub(super) fn fill(&mut self, bytes: usize) {
        self.filled += bytes;
    }

    /// How many bytes there are, and how many more there is room for.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.filled, self.buffer.len() - self.filled)
    }

    /// What there is, and what is known of it.
    pub(super) fn parts(&mut self) -> (&[u8], &mut Decoder) {
        (self.buffer.get(..self.filled).unwrap_or_default(), &mut self.decoder)
    }

    /// Drops bytes that were executed and makes room for those that are missing. `None` when nothing is left.
    pub(super) fn advance(
        mut self: Box<Self>,
        consumed: usize,
        missing: usize,
    ) -> Option<Box<Self>> {
        let bytes = self.buffer.get(consumed..self.filled).unwrap_or_default();
        if bytes.is_empty() {
            return None;
        }
        if consumed > 0 {
            return Some(Self::partial(bytes, missing, self.decoder, None));
        }
        let needed = room(bytes.len(), missing);
        if needed > self.buffer.len() {
            self.buffer = copied(bytes, needed);
        }
        self.is_ready = false;
        Some(self)
    }
}

/// The length of a buffer that holds `filled` bytes, of which more than that are missing.
fn room(filled: usize, missing: usize) -> usize {
    let whole = filled + missing;
    match whole {
        ..=SHORT_BYTES => filled,
        // A long request of short arguments does not say how long it is.
        _ if whole <= TRUSTED_BYTES => whole.max(2 * filled),
        _ => whole.min(TRUSTED_BYTES.max(4 * filled)),
    }
}

/// A buffer that begins with these bytes. The rest takes no memory before it is written to.
fn copied(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut buffer = vec![0; len];
    if let Some(start) = buffer.get_mut(..bytes.len()) {
        start.copy_from_slice(bytes);
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_request_has_room_and_no_more_than_it_has_earned() {
        assert_eq!(room(10, 20), 10, "goes back to the shared room");
        assert_eq!(room(10, SHORT_BYTES - 10), 10);
        assert_eq!(room(10, SHORT_BYTES), SHORT_BYTES + 10);
        assert_eq!(room(SHORT_BYTES + 1, 0), 2 * SHORT_BYTES + 2, "of short arguments");
        assert_eq!(room(10, TRUSTED_BYTES - 10), TRUSTED_BYTES);
        assert_eq!(room(10, 512 << 20), TRUSTED_BYTES);
        assert_eq!(room(TRUSTED_BYTES, 512 << 20), 4 * TRUSTED_BYTES);
        assert_eq!(room(256 << 20, 256 << 20), 512 << 20);
    }

    #[test]
    fn what_is_executed_is_dropped_and_the_rest_kept() {
        let limits = Limits::default();
        let bytes = vec![b'x'; 3 * SHORT_BYTES];
        let input = Input::unexecuted(&bytes, limits).advance(0, 1).unwrap();
        assert_eq!(input.sizes(), (bytes.len(), bytes.len()));
        let input = input.advance(bytes.len() - 2, 1).unwrap();
        assert!(input.short().is_some());
        assert_eq!(input.sizes(), (2, 0));
        assert!(input.advance(2, 0).is_none());
    }
}

//! What has arrived and is not executed yet: nothing, most of the time between turns.

use kv_resp::{Decoder, Limits};

/// Bytes that are read with one call into the room that all connections of a thread share.
pub(super) const READ_BYTES: usize = 32 << 10;

/// Room for the rest of a short request and what comes behind it.
const ROOM_BYTES: usize = 16 << 10;

/// Room of this length is made as soon as a client says that it will send so much: the system gives memory only
/// as far as it is filled. Beyond, the client has to send a part first.
const TRUSTED_BYTES: usize = 16 << 20;

/// The beginning of a request, or requests that could not be executed yet, and room for more.
#[derive(Debug)]
pub(super) struct Input {
    /// Filled up to `filled`, and room from there on.
    buffer: Vec<u8>,
    filled: usize,
    /// What is known of the request that begins the buffer.
    pub(super) decoder: Decoder,
    /// Whether there may be whole requests, so that nothing need arrive before it is looked at.
    pub(super) is_ready: bool,
}

impl Input {
    /// Keeps the beginning of a request, of which `missing` bytes must come at least, and what is known of it.
    pub(super) fn partial(bytes: &[u8], missing: usize, mut decoder: Decoder) -> Self {
        decoder.shrink();
        let buffer = copied(bytes, room(bytes.len(), missing));
        Self { buffer, filled: bytes.len(), decoder, is_ready: false }
    }

    /// Keeps requests that could not be executed yet. They are decoded again.
    pub(super) fn unexecuted(bytes: &[u8], limits: Limits) -> Self {
        let buffer = copied(bytes, room(bytes.len(), 0));
        Self { buffer, filled: bytes.len(), decoder: Decoder::new(limits), is_ready: true }
    }

    /// Where the next bytes go: never empty.
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
        let rest = self.filled.saturating_sub(consumed);
        if rest == 0 {
            return None;
        }
        let needed = room(rest, missing);
        if needed <= self.buffer.len() && self.buffer.len() <= 4 * needed {
            self.buffer.copy_within(consumed..self.filled, 0);
        } else {
            let bytes = self.buffer.get(consumed..self.filled).unwrap_or_default();
            self.buffer = copied(bytes, needed);
        }
        (self.filled, self.is_ready) = (rest, false);
        Some(self)
    }
}

/// The length of a buffer that holds `filled` bytes, of which more than that are missing.
fn room(filled: usize, missing: usize) -> usize {
    let whole = filled + missing;
    if whole > TRUSTED_BYTES {
        return whole.min(TRUSTED_BYTES.max(4 * filled));
    }
    // A long request of short arguments does not say how long it is.
    whole.max(2 * filled).max(ROOM_BYTES)
}

/// A buffer that begins with these bytes. The rest takes no memory before it is written to.
fn copied(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut buffer = vec![0; len];
    if let Some(start) = buffer.get_mut(..bytes.len()) {
        start.copy_from_slice(bytes);
    }
    buffer
}

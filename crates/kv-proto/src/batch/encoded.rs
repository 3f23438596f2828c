//! Encoded fields, one behind the other.

use bytes::{BufMut, Bytes};

/// Bytes of this length or longer are not copied: they are kept apart, and shared until the message is sent.
pub const APART_BYTES_MIN: usize = 16 << 10;

/// Fields of a message as they are sent: as they were received, or added one by one.
#[derive(Clone, Default)]
pub(super) struct Encoded {
    /// Nothing while something can be added.
    received: Bytes,
    made: Vec<u8>,
    /// Long pieces that belong in between: before the byte with this index.
    apart: Vec<(usize, Bytes)>,
    apart_bytes: usize,
}

impl Encoded {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { made: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// All that is not apart.
    pub(super) fn as_slice(&self) -> &[u8] {
        if self.received.is_empty() { &self.made } else { &self.received }
    }

    /// The same, to add to it. What was received is copied first.
    pub(super) fn make(&mut self) -> &mut Vec<u8> {
        if !self.received.is_empty() {
            self.made = std::mem::take(&mut self.received).to_vec();
        }
        &mut self.made
    }

    /// Makes clones share it.
    pub(super) fn freeze(&mut self) {
        if !self.made.is_empty() {
            self.received = std::mem::take(&mut self.made).into();
        }
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.received.len()
            + self.made.capacity()
            + self.apart_bytes
            + self.apart.capacity() * size_of::<(usize, Bytes)>()
    }

    /// Adds fields that were received. The first of them are not copied.
    pub(super) fn append(&mut self, received: Bytes) {
        if self.as_slice().is_empty() {
            self.received = received;
        } else {
            self.make().extend_from_slice(&received);
        }
    }

    /// Keeps a place for a piece of this length; tells which.
    pub(super) fn promise(&mut self, len: usize) -> usize {
        self.apart.push((self.as_slice().len(), Bytes::new()));
        self.apart_bytes += len;
        self.apart.len() - 1
    }

    /// Puts a piece in the place that was kept for it.
    pub(super) fn supply(&mut self, promised: usize, piece: Bytes) {
        if let Some((_at, place)) = self.apart.get_mut(promised) {
            *place = piece;
        }
    }

    /// Adds a piece that is not copied.
    pub(super) fn put_apart(&mut self, piece: Bytes) {
        let promised = self.promise(piece.len());
        self.supply(promised, piece);
    }

    /// The length of all of it, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        self.as_slice().len() + self.apart_bytes
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        let (bytes, mut done) = (self.as_slice(), 0);
        for (at, piece) in &self.apart {
            out.put_slice(bytes.get(done..*at).unwrap_or_default());
            out.put_slice(piece);
            done = *at;
        }
        out.put_slice(bytes.get(done..).unwrap_or_default());
    }

    /// All of it in one. Copied unless it was received.
    pub(super) fn whole(&self) -> Bytes {
        if !self.received.is_empty() && self.apart.is_empty() {
            return self.received.clone();
        }
        let mut whole = Vec::with_capacity(self.encoded_len());
        self.encode(&mut whole);
        whole.into()
    }
}

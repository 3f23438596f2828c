//! Memory that begins at a page's boundary, as writes around the system's cache need it.

use super::PAGE_BYTES;

/// A buffer of fixed capacity whose bytes begin at a page's boundary.
#[derive(Debug)]
pub(crate) struct Pages {
    /// Longer than the capacity by what the boundary may take. Never grows: it would move.
    memory: Vec<u8>,
    /// Where the boundary is.
    start: usize,
    len: usize,
}

impl Pages {
    /// Takes no memory yet, as far as the system hands it out when it is touched.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let memory = vec![0; bytes + PAGE_BYTES];
        let start = memory.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
        Self { memory, start, len: 0 }
    }

    /// How many bytes there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.memory.len() - PAGE_BYTES
    }

    /// What is in it.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.get(self.start..self.start + self.len).unwrap_or_default()
    }

    /// Makes it `len` bytes long, as far as there is room, and hands them over to be filled.
    pub(crate) fn reset(&mut self, len: usize) -> &mut [u8] {
        self.len = len.min(self.capacity());
        self.memory.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }

    /// Adds bytes; false when there is no room for them.
    #[must_use]
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > self.capacity() - self.len {
            return false;
        }
        let end = self.start + self.len;
        if let Some(place) = self.memory.get_mut(end..end + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.len += bytes.len();
        true
    }

    /// Keeps a part only, which moves to the front.
    pub(crate) fn keep(&mut self, from: usize, len: usize) {
        let from = from.min(self.len);
        let len = len.min(self.len - from);
        self.memory.copy_within(self.start + from..self.start + from + len, self.start);
        self.len = len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_begin_at_a_page_and_never_go_beyond_the_capacity() {
        for capacity in [PAGE_BYTES, 3 * PAGE_BYTES, 3 * PAGE_BYTES + 1] {
            let mut pages = Pages::with_capacity(capacity);
            assert!(pages.bytes().is_empty());
            pages.reset(5).copy_from_slice(b"first");
            assert!(pages.extend(&vec![7; capacity - 5]));
            assert!(!pages.extend(&[1]), "there is no room");
            assert_eq!(pages.bytes().len(), capacity);
            assert_eq!(pages.bytes().as_ptr().align_offset(PAGE_BYTES), 0);
            pages.keep(3, 4);
            assert_eq!(pages.bytes(), b"st\x07\x07");
            assert_eq!(pages.reset(capacity + 1).len(), capacity);
        }
    }

    #[test]
    fn keeping_more_than_there_is_keeps_what_there_is() {
        let mut pages = Pages::with_capacity(PAGE_BYTES);
        assert!(pages.extend(b"abc"));
        pages.keep(1, 9);
        assert_eq!(pages.bytes(), b"bc");
        pages.keep(9, 1);
        assert!(pages.bytes().is_empty());
    }
}

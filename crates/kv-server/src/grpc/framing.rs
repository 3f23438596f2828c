//! Where the messages of a gRPC stream begin and end: each has five bytes before it that tell its length.

/// Bytes before each message: one for flags, four for the length, the most significant first.
const PREFIX_BYTES: usize = 5;

/// Follows a stream of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Framing {
    prefix: [u8; PREFIX_BYTES],
    /// Bytes that have arrived of the message that is not complete, those before it included.
    partial: u64,
}

/// A piece of a message, or of what is before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// What belongs to the message.
    pub(crate) content: &'a [u8],
    /// Whether the message is complete.
    pub(crate) is_last: bool,
}

impl Framing {
    /// Bytes that have arrived of the message that is not complete.
    pub(crate) fn partial(&self) -> u64 {
        self.partial
    }

    /// Goes on with what has arrived. Tells whether a message has become complete.
    pub(crate) fn advance(&mut self, mut data: &[u8]) -> bool {
        let mut completed = false;
        while let Some(piece) = self.take(&mut data) {
            completed |= piece.is_last;
        }
        completed
    }

    /// Goes on with as much of what has arrived as belongs together; `None` when there is nothing left.
    pub(crate) fn take<'a>(&mut self, data: &mut &'a [u8]) -> Option<Piece<'a>> {
        let (first, rest) = data.split_first()?;
        let place = usize::try_from(self.partial).ok().and_then(|at| self.prefix.get_mut(at));
        let content = if let Some(place) = place {
            *place = *first;
            self.partial += 1;
            *data = rest;
            &[]
        } else {
            let taken = self.missing().min(data.len() as u64);
            self.partial += taken;
            let (content, rest) = data.split_at(usize::try_from(taken).unwrap_or(data.len()));
            *data = rest;
            content
        };
        let is_last = self.partial >= PREFIX_BYTES as u64 && self.missing() == 0;
        if is_last {
            self.partial = 0;
        }
        Some(Piece { content, is_last })
    }

    /// Bytes that are missing of a message whose length is known.
    fn missing(&self) -> u64 {
        let [_flags, length @ ..] = self.prefix;
        let whole = PREFIX_BYTES as u64 + u64::from(u32::from_be_bytes(length));
        whole.saturating_sub(self.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of messages of these lengths, and where each ends.
    fn stream(lengths: &[u32]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for length in lengths {
            bytes.push(0);
            bytes.extend(length.to_be_bytes());
            // Looks like a prefix, and is none.
            bytes.extend(vec![1; *length as usize]);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn messages_end_where_they_do_however_they_are_cut() {
        let (bytes, ends) = stream(&[3, 0, 0, 300, 1, 0]);
        for first in 0..=bytes.len() {
            for second in [first, first + 1, first + 7, bytes.len()] {
                let (second, mut framing) = (second.min(bytes.len()), Framing::default());
                let mut from = 0;
                for until in [first, second, bytes.len()] {
                    let completed = framing.advance(&bytes[from..until]);
                    let last_end = ends.iter().copied().filter(|end| *end <= until).max();
                    assert_eq!(framing.partial(), (until - last_end.unwrap_or(0)) as u64);
                    assert_eq!(
                        completed,
                        last_end.is_some_and(|end| end > from),
                        "{from}..{until}"
                    );
                    from = until;
                }
            }
        }
    }

    #[test]
    fn the_longest_length_does_not_overflow() {
        let mut framing = Framing::default();
        assert!(!framing.advance(&[0, 255, 255, 255, 255, 1]));
        assert_eq!(framing.partial(), 6);
    }
}

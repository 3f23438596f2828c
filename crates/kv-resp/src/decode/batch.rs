//! The commands that one look at the input has found, borrowed from it.

use super::ProtocolError;

/// Where an argument stands in the bytes of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// One complete command: where it stands, and which of the spans are its arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) place: Place,
    /// Where it ends in the input.
    pub(super) end: usize,
    /// The first of its spans is where those of the frame before end.
    pub(super) spans_end: usize,
}

/// What the spans of a command count from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The command's first byte in the input.
    Input { start: usize },
    /// The first byte of all inline words.
    Words,
}

/// All commands that were complete, in order, and what is known of the input behind them.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub(super) input: &'a [u8],
    pub(super) words: &'a [u8],
    pub(super) spans: &'a [Span],
    pub(super) frames: &'a [Frame],
    pub(super) consumed: usize,
    pub(super) missing: usize,
    pub(super) error: Option<ProtocolError>,
}

impl<'a> Batch<'a> {
    /// How many commands there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether no command is complete yet.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The commands, in the order they came.
    pub fn iter(&self) -> Commands<'a> {
        Commands { batch: *self, spans_start: 0 }
    }

    /// How many bytes at the start of the input the commands took. The caller drops them, and nothing else,
    /// before the next call.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// How many bytes must at least come until the argument that is partly there is whole: room to make at
    /// once for a large value. 0 where no argument is partly there.
    ///
    /// It is what the client claims, within the limits: up to `bulk_bytes_max` and two.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Why nothing after these commands can be understood. To be answered after them, as the last answer.
    pub fn error(&self) -> Option<ProtocolError> {
        self.error
    }
}

impl std::fmt::Debug for Batch<'_> {
    /// Without the bytes: they may be many, or secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Batch")
            .field("commands", &self.len())
            .field("consumed", &self.consumed)
            .field("missing", &self.missing)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &Batch<'a> {
    type Item = Command<'a>;
    type IntoIter = Commands<'a>;

    fn into_iter(self) -> Commands<'a> {
        self.iter()
    }
}

/// Iterates over the commands of a [`Batch`].
#[derive(Debug, Clone)]
pub struct Commands<'a> {
    /// What is left of it.
    batch: Batch<'a>,
    /// Where the spans of the next command start.
    spans_start: usize,
}

impl<'a> Iterator for Commands<'a> {
    type Item = Command<'a>;

    #[inline]
    fn next(&mut self) -> Option<Command<'a>> {
        let (frame, rest) = self.batch.frames.split_first()?;
        let spans = self.batch.spans.get(self.spans_start..frame.spans_end)?;
        let bytes = match frame.place {
            Place::Input { start } => self.batch.input.get(start..)?,
            Place::Words => self.batch.words,
        };
        self.batch.frames = rest;
        self.spans_start = frame.spans_end;
        Some(Command { bytes, spans, end: frame.end })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.batch.frames.len(), Some(self.batch.frames.len()))
    }
}

impl ExactSizeIterator for Commands<'_> {}

/// One command: its name and its arguments, all of them slices of the input.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    end: usize,
}

impl<'a> Command<'a> {
    /// How many arguments there are, the name among them: at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a command is never empty")]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Where the command ends in the input. Who executes no more of a batch than this command keeps the input
    /// from here on, and reads it again with a new [`Decoder`](crate::Decoder).
    pub fn end(&self) -> usize {
        self.end
    }

    /// The name as the client has written it, in any case.
    #[inline]
    pub fn name(&self) -> &'a [u8] {
        self.arg(0).unwrap_or_default()
    }

    /// The argument at `index`, where the name is at 0.
    #[inline]
    pub fn arg(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| slice(self.bytes, *span))
    }

    /// All arguments, the name first.
    #[inline]
    pub fn args(&self) -> Args<'a> {
        Args { bytes: self.bytes, spans: self.spans.iter() }
    }
}

impl std::fmt::Debug for Command<'_> {
    /// Sizes alone: arguments may be large, or secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Command").field(&self.args()).finish()
    }
}

/// Iterates over the arguments of a [`Command`], the name first.
#[derive(Clone)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
}

impl std::fmt::Debug for Args<'_> {
    /// Lengths alone, as for [`Command`].
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.clone().map(<[u8]>::len)).finish()
    }
}

impl<'a> Iterator for Args<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.spans.next().map(|span| slice(self.bytes, *span))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl DoubleEndedIterator for Args<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.spans.next_back().map(|span| slice(self.bytes, *span))
    }
}

impl ExactSizeIterator for Args<'_> {}

#[inline]
fn slice(bytes: &[u8], span: Span) -> &[u8] {
    bytes.get(span.start..span.start + span.len).unwrap_or_default()
}

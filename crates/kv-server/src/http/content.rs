//! The content of an answer: bytes that are held in the account of the connection until the client has them.

use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};

use crate::budget::{Account, Held, Overload};
use crate::slow::Answered;

/// The content of an answer, as a whole: it is in memory already, shared with the store where it is large and not
/// compressed.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// None when there is nothing, or it has been taken.
    piece: Option<Piece>,
}

/// Bytes on their way. hyper drops them when the system has taken the last one.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    /// None before somebody takes care of that.
    held: Option<Held>,
    /// The request, which is over when this is dropped.
    answered: Option<Answered>,
}

impl Content {
    /// These bytes, which nobody holds yet.
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { piece: (!bytes.is_empty()).then_some(Piece { bytes, held: None, answered: None }) }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.piece.as_ref().map_or(0, |piece| piece.bytes.len() as u64)
    }

    /// The request that these bytes answer is over when they are dropped; at once when there are none.
    pub(super) fn follow(&mut self, answered: Answered) {
        match &mut self.piece {
            Some(piece) => piece.answered = Some(answered),
            None => answered.finish(),
        }
    }

    /// Holds the bytes from now on.
    ///
    /// # Errors
    /// [`Overload`] when there is no room for them.
    pub(super) fn hold(&mut self, account: &Arc<Account>) -> Result<(), Overload> {
        if let Some(piece) = &mut self.piece {
            let held = account.hold();
            held.add(piece.bytes.len() as u64)?;
            piece.held = Some(held);
        }
        Ok(())
    }
}

impl Body for Content {
    type Data = Piece;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Infallible>>> {
        Poll::Ready(self.piece.take().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.bytes.copy_to_bytes(length)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::budget::{Budget, FREE_BYTES};

    fn budget() -> Arc<Budget> {
        Arc::new(Budget::new(100, FREE_BYTES + 100))
    }

    fn of_length(length: u64) -> Content {
        Content::new(Bytes::from(vec![b'x'; usize::try_from(length).unwrap()]))
    }

    #[test]
    fn content_is_held_until_its_last_piece_is_dropped() {
        let budget = budget();
        let mut content = of_length(FREE_BYTES + 100);
        content.hold(&budget.account()).unwrap();
        assert_eq!(budget.level().0, 100);
        assert_eq!(content.size_hint().exact(), Some(FREE_BYTES + 100));
        let next = |content: &mut Content| {
            std::future::poll_fn(|context| Pin::new(&mut *content).poll_frame(context))
                .now_or_never()
                .expect("it is there")
        };
        let frame = next(&mut content).unwrap().unwrap();
        let mut piece = frame.into_data().unwrap();
        assert!(content.is_end_stream() && next(&mut content).is_none());
        drop(content);
        piece.advance(1);
        assert_eq!(budget.level().0, 100);
        drop(piece);
        assert_eq!(budget.level().0, 0);
    }

    #[test]
    fn what_has_no_room_is_not_held() {
        let budget = budget();
        let account = budget.account();
        of_length(FREE_BYTES + 101).hold(&account).unwrap_err();
        assert_eq!(budget.level().0, 0);
        Content::new(Bytes::new()).hold(&account).unwrap();
        assert!(Content::new(Bytes::new()).is_end_stream());
    }
}

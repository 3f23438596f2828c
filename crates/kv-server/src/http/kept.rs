//! The body of an answer that is held in the account of its connection until the client has taken it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as _, Frame, SizeHint};

use super::answer::Body;
use crate::budget::{Held, Overload};

/// Shorter answers are not counted: there is one at a time on a connection of HTTP/1.1, and on one of HTTP/2 they
/// are as bounded as streams are.
const COUNTED_BYTES_MIN: u64 = 4 << 10;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Kept {
    body: Body,
    /// `None` when it is not counted.
    held: Option<Held>,
}

/// Bytes that are held as long as anything refers to them.
struct Owned {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Holds the answer, once nothing of the request is held any more.
///
/// # Errors
/// [`Overload`] when there is no room for it.
pub(super) fn keep(response: Response<Body>, mut held: Held) -> Result<Response<Kept>, Overload> {
    let bytes = response.body().size_hint().lower();
    let counted = bytes >= COUNTED_BYTES_MIN;
    held.set(if counted { bytes } else { 0 })?;
    Ok(response.map(|body| Kept { body, held: counted.then_some(held) }))
}

/// An answer that is not counted.
pub(super) fn uncounted(response: Response<Body>) -> Response<Kept> {
    response.map(|body| Kept { body, held: None })
}

impl hyper::body::Body for Kept {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(Ok(frame)) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_data(|bytes| match self.held.take() {
            Some(held) => Bytes::from_owner(Owned { bytes, _held: held }),
            None => bytes,
        });
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt as _;

    use super::*;
    use crate::budget::{Budget, FREE_BYTES};
    use crate::http::answer;

    #[tokio::test]
    async fn an_answer_is_held_until_its_last_byte_is_let_go() {
        let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
        let account = budget.account();
        let large = || Response::new(answer::whole(vec![7; 100_000].into()));
        let kept = keep(large(), account.hold()).unwrap();
        assert_eq!(budget.level().0, 100_000 - FREE_BYTES);
        let mut bytes = kept.into_body().collect().await.unwrap().to_bytes();
        let tail = bytes.split_off(99_999);
        drop(bytes);
        assert_eq!(budget.level().0, 100_000 - FREE_BYTES, "one byte refers to all of it");
        drop(tail);
        assert_eq!(budget.level().0, 0);
        let full = account.hold();
        full.add(1 << 20).unwrap();
        assert!(keep(large(), account.hold()).is_err());
        keep(Response::new(answer::whole(vec![7; 100].into())), account.hold()).expect("small");
    }
}

//! A connection whose bytes are counted, once per call to the system.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Metrics;
use super::labels::Protocol;

/// Counts what is read from and written to `S`.
pub(crate) struct Metered<S> {
    inner: S,
    metrics: Arc<Metrics>,
    protocol: Protocol,
}

impl<S> fmt::Debug for Metered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl<S> Metered<S> {
    /// Counts the bytes of `inner` as the protocol's.
    pub(crate) fn new(inner: S, metrics: Arc<Metrics>, protocol: Protocol) -> Self {
        Self { inner, metrics, protocol }
    }

    /// The same, of what `map` makes of what is counted.
    ///
    /// # Errors
    /// Those of `map`.
    pub(crate) fn try_map<T>(self, map: impl FnOnce(S) -> io::Result<T>) -> io::Result<Metered<T>> {
        let Self { inner, metrics, protocol } = self;
        Ok(Metered { inner: map(inner)?, metrics, protocol })
    }

    /// What is counted.
    pub(crate) fn get_ref(&self) -> &S {
        &self.inner
    }

    fn sent(&self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        if let Ok(bytes) = written {
            self.metrics.bytes_out(self.protocol, bytes as u64);
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let received = buffer.filled().len() - before;
        self.metrics.bytes_in(self.protocol, received as u64);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes));
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(context, slices));
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn bytes_are_counted_in_both_directions() {
        let metrics = Arc::new(Metrics::new());
        let (mut client, server) = duplex(64);
        let mut server = Metered::new(server, Arc::clone(&metrics), Protocol::Http);
        client.write_all(b"hello").await.unwrap();
        let mut received = [0; 5];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"hello");
        server.write_all(b"hi").await.unwrap();
        let slices = [IoSlice::new(b"you"), IoSlice::new(b"!")];
        let written = server.write_vectored(&slices).await.unwrap();
        server.shutdown().await.unwrap();
        let mut sent = Vec::new();
        client.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent.len(), 2 + written);
        assert_eq!(metrics.bytes(Protocol::Http), (5, sent.len() as u64));
    }
}

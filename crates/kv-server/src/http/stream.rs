//! A connection's socket as hyper sees it: bounded writes, bounded waiting, and a gentle end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use super::limits::{WRITE_BYTES_MAX, WRITE_TIMEOUT};
use crate::lingering::Lingering;
use crate::metrics::Metered;

/// Pieces of one write at most.
const PIECES_MAX: usize = 16;

/// A socket of which the first bytes have been read already.
#[derive(Debug)]
pub(super) struct Stream<S> {
    /// What has been read and is to be read again.
    seen: Bytes,
    socket: S,
    /// Runs while the client takes nothing.
    patience: Option<Pin<Box<Sleep>>>,
    activity: Activity,
    lingering: Lingering,
}

impl<S> Stream<S> {
    /// Goes on after `seen`. `activity` tells whether the end must be gentle.
    pub(super) fn new(seen: Bytes, socket: S, activity: Activity) -> Self {
        Self { seen, socket, patience: None, activity, lingering: Lingering::NotYet }
    }

    /// Takes back what was read and not understood yet.
    pub(super) fn put_back(&mut self, read: Bytes) {
        debug_assert!(self.seen.is_empty(), "it is read before anything else");
        // Nothing at all may come with the room that was made for more.
        self.seen = if read.is_empty() { Bytes::new() } else { read };
    }

    /// Whether the time has run out that runs since the first call.
    fn poll_patience(&mut self, cx: &mut Context<'_>, span: std::time::Duration) -> Poll<()> {
        let patience =
            self.patience.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + span)));
        patience.as_mut().poll(cx)
    }

    /// Ends the wait for a client that takes nothing.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.activity.write(written.is_ready());
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        ready!(self.poll_patience(cx, WRITE_TIMEOUT));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl Stream<Metered<TcpStream>> {
    /// Waits until there is something to read, which may be the end or an error.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.seen.is_empty() {
            self.socket.get_ref().poll_read_ready(cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.seen.is_empty() {
            let before = buf.filled().len();
            let read = Pin::new(&mut self.socket).poll_read(cx, buf);
            self.activity.read(read.is_ready().then(|| buf.filled().len() - before));
            return read;
        }
        let length = self.seen.len().min(buf.remaining());
        buf.put_slice(&self.seen.split_to(length));
        self.activity.read(Some(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let piece = buf.get(..WRITE_BYTES_MAX).unwrap_or(buf);
        let written = Pin::new(&mut self.socket).poll_write(cx, piece);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
        let mut left = WRITE_BYTES_MAX;
        for (piece, buf) in pieces.iter_mut().zip(bufs) {
            let part = buf.get(..left).unwrap_or(buf);
            left -= part.len();
            *piece = IoSlice::new(part);
        }
        let count = bufs.len().min(PIECES_MAX);
        let pieces = pieces.get(..count).unwrap_or_default();
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    /// Says that nothing more comes; where something was left unread, the end is a gentle one.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let reads_on = self.activity.has_unread();
        let Self { socket, lingering, .. } = &mut *self;
        lingering.poll(cx, socket, reads_on)
    }
}

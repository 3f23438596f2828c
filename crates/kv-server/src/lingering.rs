//! The gentle end of a connection. To close a socket of which not everything was read resets the connection, and with
//! it goes what the client has not received yet: so whoever ends a connection says that nothing more comes, and reads on
//! until the client has seen that, or for a while.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long is read on.
pub(crate) const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// Most bytes that are read and thrown away meanwhile.
pub(crate) const LINGER_BYTES_MAX: usize = 8 << 20;

/// How far an end has come.
#[derive(Debug, Default)]
pub(crate) enum Lingering {
    /// The client does not know yet.
    #[default]
    NotYet,
    /// The client knows that nothing more comes; until then, so many more bytes of it are thrown away.
    Left(Pin<Box<Sleep>>, usize),
    /// The socket can be closed.
    Over,
}

impl Lingering {
    fn begin() -> Self {
        Self::Left(Box::pin(sleep_until(Instant::now() + LINGER_TIMEOUT)), LINGER_BYTES_MAX)
    }

    /// Says that nothing more comes, and with `reads_on` waits for the client to end the connection as well.
    pub(crate) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        socket: &mut S,
        reads_on: bool,
    ) -> Poll<io::Result<()>> {
        loop {
            match self {
                Self::NotYet => {
                    ready!(Pin::new(&mut *socket).poll_shutdown(context))?;
                    *self = if reads_on { Self::begin() } else { Self::Over };
                }
                Self::Left(patience, left) => {
                    let mut space = [0; 8 << 10];
                    let mut buffer = ReadBuf::new(&mut space);
                    if patience.as_mut().poll(context).is_pending() {
                        ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer))?;
                    }
                    *left = left.saturating_sub(buffer.filled().len());
                    if buffer.filled().is_empty() || *left == 0 {
                        *self = Self::Over;
                    }
                }
                Self::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// A socket that ends gently whenever it is shut down. One that is merely dropped does not.
#[derive(Debug)]
pub(crate) struct Gentle<S> {
    socket: S,
    lingering: Lingering,
}

impl<S> Gentle<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self { socket, lingering: Lingering::NotYet }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gentle<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gentle<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, lingering } = &mut *self;
        lingering.poll(context, socket, true)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, client)
    }

    static SOME: [u8; 64 << 10] = [b'a'; 64 << 10];

    #[tokio::test]
    async fn what_was_not_read_does_not_cost_the_client_its_answer() {
        let (server, mut client) = pair().await;
        client.write_all(b"never read").await.unwrap();
        server.readable().await.unwrap();
        let mut written = 0;
        server.writable().await.unwrap();
        while let Ok(more) = server.try_write(&SOME) {
            written += more;
        }
        let ending = tokio::spawn(async move { Gentle::new(server).shutdown().await });
        // It could be over with that before anything is received.
        for _ in 0..10 {
            yield_now().await;
        }
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("the connection is not reset");
        assert_eq!(answer.len(), written);
        drop(client);
        timeout(LINGER_TIMEOUT / 2, ending).await.expect("it has seen that").unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_leave_is_waited_for_no_longer_than_that() {
        let (server, client) = pair().await;
        let start = Instant::now();
        Gentle::new(server).shutdown().await.unwrap();
        let took = start.elapsed();
        assert!(took >= LINGER_TIMEOUT && took < LINGER_TIMEOUT * 2, "{took:?}");
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_goes_on_sending_is_listened_to_for_so_many_bytes() {
        let (server, mut client) = pair().await;
        let ending = tokio::spawn(async move { Gentle::new(server).shutdown().await });
        let mut sent = 0;
        while let Ok(more) = client.write(&SOME).await {
            sent += more;
        }
        assert!(sent >= LINGER_BYTES_MAX, "{sent}");
        ending.await.unwrap().unwrap();
    }
}

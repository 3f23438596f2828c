//! How long a request may take to arrive: the longer it is, the longer.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes of a request for which one second more is allowed.
pub(crate) const RATE_MIN: u64 = 16 << 10;

/// How long a client may hold what others could use and take nothing of it, before its connection is cut.
pub(crate) const STALL_MAX: Duration = Duration::from_mins(2);

/// The wait for a request's next bytes. It costs nothing while there are some.
#[derive(Debug)]
pub(crate) struct Patience {
    timeout: Duration,
    waiting: Option<Waiting>,
}

/// A wait that has begun.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    sleep: Pin<Box<Sleep>>,
}

/// How long a request may have taken of which so much has arrived.
pub(crate) fn allowed(timeout: Duration, arrived: u64) -> Duration {
    timeout + Duration::from_secs(arrived / RATE_MIN)
}

impl Patience {
    /// Waits for so long, and longer for what is longer.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, waiting: None }
    }

    /// To be asked whenever the next bytes have to be waited for, of a request of which so many have arrived:
    /// ready when the time since the first such call is over.
    pub(crate) fn poll(&mut self, arrived: u64, context: &mut Context<'_>) -> Poll<()> {
        let allowed = allowed(self.timeout, arrived);
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            Waiting { since, sleep: Box::pin(sleep_until(since + allowed)) }
        });
        let deadline = waiting.since + allowed;
        if waiting.sleep.deadline() != deadline {
            waiting.sleep.as_mut().reset(deadline);
        }
        waiting.sleep.as_mut().poll(context)
    }

    /// Begins anew with the next request.
    pub(crate) fn renew(&mut self) {
        self.waiting = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt as _;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    #[test]
    fn time_grows_with_what_has_arrived() {
        assert_eq!(allowed(TIMEOUT, 0), TIMEOUT);
        assert_eq!(allowed(TIMEOUT, 16 << 10), TIMEOUT + Duration::from_secs(1));
        let hour = Duration::from_hours(1) + Duration::from_secs(496);
        assert_eq!(allowed(TIMEOUT, 64 << 20), TIMEOUT + hour);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_is_prolonged_by_what_arrives() {
        let mut patience = Patience::new(TIMEOUT);
        let start = Instant::now();
        assert!(poll_fn(|context| patience.poll(0, context)).now_or_never().is_none());
        poll_fn(|context| patience.poll(10 * RATE_MIN, context)).await;
        assert_eq!(start.elapsed().as_secs(), 40);
        patience.renew();
        poll_fn(|context| patience.poll(0, context)).await;
        assert_eq!(start.elapsed().as_secs(), 70);
    }
}

//! What the parts of a connection tell each other: its socket, its requests, and who holds its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What happens on a connection. Clones tell of the same one.
///
/// Over HTTP/1 it is written and read by the task of the connection alone; over HTTP/2, where requests have
/// tasks of their own, nobody asks whether the connection is idle.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Requests that are not answered yet.
    in_flight: AtomicUsize,
    /// The socket has nothing to read.
    starved: AtomicBool,
    /// The socket does not take what is to be sent.
    stuck: AtomicBool,
    /// Something was received that belongs to no request which was answered.
    begun: AtomicBool,
    /// A client was answered before all it had sent was read.
    unread: AtomicBool,
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Activity);

impl Activity {
    /// A request has come.
    pub(super) fn request(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    /// The socket gave so many bytes, or has none.
    pub(super) fn read(&self, received: Option<usize>) {
        self.0.starved.store(received.is_none(), Ordering::Relaxed);
        if received.is_some() {
            self.0.begun.store(true, Ordering::Relaxed);
        }
    }

    /// The socket was given something to send, and has taken some of it or not.
    pub(super) fn write(&self, is_taken: bool) {
        self.0.stuck.store(!is_taken, Ordering::Relaxed);
    }

    /// Whoever answers next begins with nothing received.
    pub(super) fn begin(&self) {
        self.0.begun.store(false, Ordering::Relaxed);
    }

    /// Whether the next request is waited for, or the rest of its head: everything before is answered, and
    /// sent. To be asked when hyper has nothing left to do, which sends what it has before it rests.
    ///
    /// Never when something was left unread: what comes next is the rest of a body, and no request.
    pub(super) fn awaits_head(&self) -> bool {
        let Seen { in_flight, starved, stuck, .. } = &*self.0;
        in_flight.load(Ordering::Relaxed) == 0
            && starved.load(Ordering::Relaxed)
            && !stuck.load(Ordering::Relaxed)
            && !self.has_unread()
    }

    /// Whether the next request is waited for, and nothing was received since the last one that could be a
    /// part of it, unless it came together with that.
    pub(super) fn is_idle(&self) -> bool {
        self.awaits_head() && !self.0.begun.load(Ordering::Relaxed)
    }

    /// A client was answered before all it had sent was read.
    pub(super) fn leave_unread(&self) {
        self.0.unread.store(true, Ordering::Relaxed);
    }

    /// Whether something was left of what the client sent.
    pub(super) fn has_unread(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Self(Activity(seen)) = self;
        seen.begun.store(false, Ordering::Relaxed);
        seen.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_between_an_answer_that_was_sent_and_the_next_request() {
        let activity = Activity::default();
        assert!(!activity.is_idle(), "nobody has looked");
        activity.read(None);
        assert!(activity.is_idle());
        activity.read(Some(5));
        assert!(!activity.awaits_head());
        activity.read(None);
        assert!(activity.awaits_head() && !activity.is_idle(), "a part of a head is there");
        let request = activity.request();
        assert!(!activity.awaits_head());
        drop(request);
        activity.write(false);
        assert!(!activity.awaits_head(), "the answer is not sent");
        activity.write(true);
        assert!(activity.is_idle());
        activity.leave_unread();
        assert!(!activity.awaits_head() && !activity.is_idle(), "the rest of a body is no head");
    }
}

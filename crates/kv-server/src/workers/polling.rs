//! Busy polling: a thread that is busy for a good part of its time looks for more to do for a while before it sleeps.
//!
//! To sleep and to be woken costs a thread several microseconds, and whoever wakes it as many, on a virtual machine
//! more than most requests take. Linux does the same for sockets (`net.core.busy_poll`), and KVM for guests that have
//! nothing to do.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::task::yield_now;

use super::balance::Load;
use crate::clock::Stopwatch;
use crate::woken;

/// A thread polls when it is busy for so much of its time anyhow: then it takes no more than about three times as
/// much.
const BUSY_MIN: Load = 300;

/// A thread that is less busy leaves its processor to others.
const IDLE_MAX: Load = 50;

/// What the task that polls knows of its thread.
struct Polling {
    /// Whether polling pays, as things are.
    pays: Cell<bool>,
    /// Turns since the thread began, wrapping.
    turns: Cell<u32>,
    /// Whether the task is at it, or is going to be.
    is_awake: Cell<bool>,
    task: RefCell<Option<Waker>>,
}

thread_local! {
    static POLLING: Polling = const {
        Polling {
            pays: Cell::new(false),
            turns: Cell::new(0),
            is_awake: Cell::new(true),
            task: RefCell::new(None),
        }
    };
}

/// A turn has ended.
#[inline]
pub(super) fn worked() {
    POLLING.with(|polling| {
        polling.turns.set(polling.turns.get().wrapping_add(1));
        if polling.pays.get() && !polling.is_awake.replace(true) {
            polling.task.take().into_iter().for_each(Waker::wake);
        }
    });
}

/// So much has this thread to do lately, and so much have all, on so many processors.
pub(super) fn note(own: Load, (loads, processors): (&[Load], usize)) {
    POLLING.with(|polling| polling.pays.set(pays(own, loads, processors)));
}

/// Whether there is a processor for others, who may be those that send the requests, for each thread that polls.
fn pays(own: Load, loads: &[Load], processors: usize) -> bool {
    let active = loads.iter().filter(|load| **load > IDLE_MAX).count();
    own >= BUSY_MIN && active * 2 <= processors
}

/// Looks for more for so long after each turn, while that pays.
pub(super) async fn poll(at_most: Duration) {
    loop {
        POLLING.with(|polling| polling.is_awake.set(false));
        begun().await;
        let (mut turns, mut since) = (None, Stopwatch::start());
        while POLLING.with(|polling| polling.pays.get()) {
            let now = POLLING.with(|polling| polling.turns.get());
            if turns.replace(now) != Some(now) {
                since = Stopwatch::start();
                woken::renew();
            } else if since.elapsed() >= at_most {
                break;
            } else {
                woken::found_nothing();
            }
            // With nothing else to run the runtime looks, and does not sleep.
            yield_now().await;
        }
    }
}

/// Waits for the next turn after which polling pays.
async fn begun() {
    poll_fn(|context| {
        POLLING.with(|polling| {
            if polling.is_awake.get() {
                return Poll::Ready(());
            }
            polling.task.replace(Some(context.waker().clone()));
            Poll::Pending
        })
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pays_for_who_is_busy_where_half_of_the_processors_are_left_to_others() {
        assert!(pays(300, &[300, 50], 2));
        assert!(!pays(299, &[299, 0], 2), "not busy enough");
        assert!(!pays(300, &[300, 51], 2), "two of two");
        assert!(pays(300, &[300, 51], 4));
        assert!(!pays(900, &[900], 1), "the only one");
    }

    /// Turns until a thread that polls after them is asleep again, with the time that polling takes after each.
    #[tokio::test]
    async fn it_ends_when_nothing_comes() {
        const AT_MOST: Duration = Duration::from_millis(1);
        tokio::spawn(poll(AT_MOST));
        let is_awake = || POLLING.with(|polling| polling.is_awake.get());
        yield_now().await;
        worked();
        assert!(!is_awake(), "it does not pay yet");
        note(1000, (&[0], 2));
        worked();
        assert!(is_awake());
        let polled = Stopwatch::start();
        while is_awake() {
            assert!(polled.elapsed() < Duration::from_secs(30));
            yield_now().await;
        }
        assert!(polled.elapsed() >= AT_MOST);
        worked();
        assert!(is_awake(), "again");
        // What does not pay any more ends at once.
        note(0, (&[0], 2));
        for _ in 0..3 {
            yield_now().await;
        }
        assert!(!is_awake());
    }
}

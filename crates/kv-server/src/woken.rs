//! How long what a thread comes to only now may have waited for what came before it.
//!
//! The runtime of a worker asks the system what has arrived, and then runs the tasks that have got something, one
//! after the other; meanwhile more arrives. So what is found at one look has come since the look before, unless the
//! runtime has slept in between, and then it has come just now. Looks are seen by the runtime's sleep, or what would
//! have been one; and whether it has slept, by the time that has passed since the last turn. Nothing looks at the
//! clock for this: turns do so anyway.
//!
//! This is the most that it can be. When exactly something has arrived only the system knows.

use std::cell::Cell;
use std::time::Duration;

use kv_core::latency_ns;
use tokio::runtime::Builder;

/// A busy runtime does not even try to sleep: it looks after so many tasks, which is tokio's `event_interval`.
const TASKS_PER_LOOK: u32 = 61;

/// From one turn to the next a thread that has not slept needs less: it sends an answer, looks, and reads.
const AWAKE_MAX_NS: u64 = 100_000;

/// What a thread knows. Times count from the start of the server, in nanoseconds.
struct Woken {
    /// Whether this thread is told when its runtime looks.
    is_watched: Cell<bool>,
    /// The runtime has looked, and nobody has had a turn since.
    has_looked: Cell<bool>,
    /// Turns since the latest look.
    turns: Cell<u32>,
    /// When the first of them began.
    latest: Cell<u64>,
    /// Since when what they find may have waited: they themselves, or those of the look before if the runtime has
    /// not slept in between.
    since: Cell<u64>,
    /// When the last turn ended.
    ended: Cell<u64>,
}

thread_local! {
    static WOKEN: Woken = const {
        Woken {
            is_watched: Cell::new(false),
            has_looked: Cell::new(true),
            turns: Cell::new(0),
            latest: Cell::new(0),
            since: Cell::new(0),
            ended: Cell::new(0),
        }
    };
}

/// Tells the threads of a runtime when it looks.
pub(crate) fn watch(runtime: &mut Builder) -> &mut Builder {
    runtime.on_thread_unpark(|| {
        WOKEN.with(|woken| {
            woken.is_watched.set(true);
            woken.has_looked.set(true);
        });
    })
}

/// The runtime has looked or is about to, as it does before it goes on with a task that lets others have a turn.
pub(crate) fn renew() {
    WOKEN.with(|woken| woken.has_looked.set(true));
}

/// The runtime has looked in vain: what it finds at its next look has come since.
pub(crate) fn found_nothing() {
    WOKEN.with(|woken| {
        woken.has_looked.set(true);
        woken.ended.set(0);
    });
}

/// A turn has ended, when the server had run for so long.
#[inline]
pub(crate) fn worked(until: Duration) {
    WOKEN.with(|woken| woken.ended.set(latency_ns(until)));
}

/// How long what begins now, when the server has run for so long, may have waited for others on this thread.
#[inline]
pub(crate) fn queued(now: Duration) -> Duration {
    WOKEN.with(|woken| {
        if !woken.is_watched.get() {
            return Duration::ZERO;
        }
        let now = latency_ns(now);
        woken.begin_turn(now);
        Duration::from_nanos(now.saturating_sub(woken.since.get()))
    })
}

impl Woken {
    #[inline]
    fn begin_turn(&self, now: u64) {
        if !self.has_looked.replace(false) && self.turns.get() < TASKS_PER_LOOK {
            self.turns.set(self.turns.get() + 1);
            return;
        }
        let was_awake = now.saturating_sub(self.ended.get()) <= AWAKE_MAX_NS;
        self.since.set(if was_awake { self.latest.get() } else { now });
        self.latest.set(now);
        self.turns.set(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(1);
    const AWAKE_MAX: Duration = Duration::from_nanos(AWAKE_MAX_NS);
    const START: Duration = Duration::from_secs(1);
    const NOTHING: Duration = Duration::ZERO;

    fn look() {
        WOKEN.with(|woken| woken.is_watched.set(true));
        renew();
    }

    #[test]
    fn turns_of_one_look_have_waited_since_the_first_of_them() {
        assert_eq!((queued(START), queued(START + STEP)), (NOTHING, NOTHING), "nobody tells");
        look();
        assert_eq!(queued(START), NOTHING, "the first waits for nobody");
        for turn in 1..TASKS_PER_LOOK {
            assert_eq!(queued(START + STEP * turn), STEP * turn);
        }
        let later = START + STEP * TASKS_PER_LOOK;
        assert_eq!(queued(later), NOTHING, "the runtime has looked meanwhile");
        assert_eq!(queued(later + STEP), STEP);
        renew();
        assert_eq!(queued(later + STEP * 2), NOTHING);
    }

    #[test]
    fn what_is_found_at_once_after_a_turn_has_come_meanwhile() {
        look();
        assert_eq!(queued(START), NOTHING);
        worked(START + STEP);
        look();
        assert_eq!(queued(START + STEP + AWAKE_MAX), STEP + AWAKE_MAX);
        worked(START + STEP * 2);
        look();
        let slept = AWAKE_MAX + Duration::from_nanos(1);
        assert_eq!(queued(START + STEP * 2 + slept), NOTHING, "it has come just now");
    }

    #[test]
    fn what_is_found_after_a_look_in_vain_has_come_just_now() {
        look();
        assert_eq!(queued(START), NOTHING);
        worked(START + STEP);
        found_nothing();
        assert_eq!(queued(START + STEP + AWAKE_MAX), NOTHING);
        worked(START + STEP * 2);
        renew();
        assert_eq!(
            queued(START + STEP * 2),
            STEP.saturating_sub(AWAKE_MAX),
            "since the turn before"
        );
    }

    #[test]
    fn a_runtime_that_is_watched_tells_its_thread() {
        let runtime = watch(Builder::new_current_thread().enable_all()).build().unwrap();
        runtime.block_on(async {
            let slept = tokio::time::timeout(STEP, std::future::pending::<()>()).await;
            assert!(slept.is_err());
            WOKEN.with(|woken| assert!(woken.is_watched.get()));
        });
    }
}

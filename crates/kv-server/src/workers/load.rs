//! How busy a thread is: measured by the thread itself when it has executed a turn, told to all, and acted on.

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use kv_core::latency_ns;
use tokio::runtime::RuntimeMetrics;

use super::balance::{FULL, Load, Measured, Order, WHOLE, gather, share};
use super::team::Team;
use super::{polling, processors};
use crate::woken;

/// How often a thread measures its load.
const PERIOD: Duration = Duration::from_millis(50);

/// A thread that has something to do tells its load before it has told nothing for so long.
const OVERDUE: Duration = Duration::from_millis(100);

/// A thread that sleeps and has told nothing for so long has nothing to do.
const SILENT: Duration = Duration::from_millis(200);

/// A thread shares when it has been crowded for so long, and the machine has had processors to spare meanwhile. The
/// ticks of the kernel's clock, in which that is measured, are too coarse for less.
const CROWDED: Duration = Duration::from_millis(100);

/// So much of one processor must be idle for another thread to be of use, in thousandths: where there is less, it would
/// take what it does from those who send the requests.
const SPARE_MIN: u32 = 350;

/// What a thread has told of its load: that of a crowded one is [`FULL`] at least.
#[derive(Debug, Default)]
pub(super) struct Told {
    load: AtomicU32,
    /// When it was measured, in nanoseconds since there is a team.
    at_ns: AtomicU64,
}

/// A thread's place.
struct Own {
    team: Team,
    place: usize,
    metrics: RuntimeMetrics,
}

/// What a thread of a team knows of itself.
struct Pulse {
    /// When the load is to be measured again, as turns tell the time.
    due_ns: Cell<u64>,
    /// Turns since it was measured, and how long they have waited at most.
    turns: Cell<u32>,
    waited_ns: Cell<u64>,
    /// When it was measured, and how long the thread had been busy then.
    measured: Cell<(Duration, Duration)>,
    /// Whether a connection has come from another thread since.
    has_arrived: Cell<bool>,
    /// Since when the thread is crowded, and how long the processors had been idle then.
    crowded: Cell<Option<(Duration, Option<Duration>)>>,
    order: Cell<Option<Order>>,
    /// How many orders there were.
    orders: Cell<u32>,
    /// What is left of the shares of connections that stay.
    carried: Cell<u32>,
    /// Orders are for those who have just come, too.
    #[cfg(feature = "testing")]
    is_scattered: Cell<bool>,
}

thread_local! {
    static OWN: OnceCell<Own> = const { OnceCell::new() };
    static PULSE: Pulse = const { Pulse::new() };
}

impl Told {
    pub(super) fn set(&self, load: Load, now: Duration) {
        self.load.store(load, Ordering::Relaxed);
        self.at_ns.store(latency_ns(now), Ordering::Relaxed);
    }

    /// The load, as told then or not long before. A thread that is overdue tells nothing because it sleeps, or because
    /// its turn takes long.
    pub(super) fn at(&self, now: Duration, sleeps: impl FnOnce() -> bool) -> Load {
        let age = now.saturating_sub(Duration::from_nanos(self.at_ns.load(Ordering::Relaxed)));
        if age > OVERDUE && !sleeps() {
            return FULL;
        }
        if age > SILENT { 0 } else { self.load.load(Ordering::Relaxed) }
    }
}

/// This thread is that one of the team.
pub(super) fn join(team: Team, place: usize, metrics: RuntimeMetrics) {
    OWN.with(|own| drop(own.set(Own { team, place, metrics })));
    PULSE.with(|pulse| pulse.due_ns.set(0));
}

/// A turn was executed, when the server had run for so long, and had waited for so long at most for others on this
/// thread.
#[inline]
pub(crate) fn worked(until: Duration, queued: Duration) {
    woken::worked(until);
    polling::worked();
    PULSE.with(|pulse| {
        pulse.turns.set(pulse.turns.get().wrapping_add(1));
        pulse.waited_ns.set(pulse.waited_ns.get().wrapping_add(latency_ns(queued)));
        let now_ns = latency_ns(until);
        if now_ns >= pulse.due_ns.get() {
            pulse.due_ns.set(now_ns.saturating_add(latency_ns(PERIOD)));
            OWN.with(|own| own.get().into_iter().for_each(|own| pulse.measure(own)));
        }
    });
}

/// A connection has come to this thread from another one. Tells the number of the order that is not for it.
pub(super) fn arrived() -> u32 {
    PULSE.with(|pulse| {
        pulse.has_arrived.set(true);
        #[cfg(feature = "testing")]
        if pulse.is_scattered.get() {
            return 0;
        }
        pulse.orders.get()
    })
}

/// Whether an order of this thread is the latest one, or the one before.
pub(super) fn is_recent(number: u32) -> bool {
    PULSE.with(|pulse| pulse.orders.get().wrapping_sub(number) <= 1)
}

/// Whether a connection of this thread that has had a turn is to go on at another one, and at which. Each connection
/// is asked once for each order: `asked` is the last one that it knows of.
#[inline]
pub(super) fn leaves(asked: &mut u32) -> Option<usize> {
    PULSE.with(|pulse| {
        let order = pulse.order.get()?;
        let number = pulse.orders.get();
        if std::mem::replace(asked, number) == number {
            return None;
        }
        // Spread evenly: with a half, every second one goes, and one alone stays.
        let carried = pulse.carried.get() + order.share;
        pulse.carried.set(carried % WHOLE);
        (carried >= WHOLE).then_some(order.to)
    })
}

/// Has every connection of this thread that can go to that other one do so after its first turn.
#[cfg(feature = "testing")]
pub(super) fn always_to(to: usize) {
    PULSE.with(|pulse| {
        pulse.due_ns.set(u64::MAX);
        pulse.is_scattered.set(true);
        pulse.order.set(Some(Order { to, share: WHOLE }));
        pulse.orders.set(1);
    });
}

impl Pulse {
    /// That of a thread of no team: it measures nothing.
    const fn new() -> Self {
        Self {
            due_ns: Cell::new(u64::MAX),
            turns: Cell::new(0),
            waited_ns: Cell::new(0),
            measured: Cell::new((Duration::ZERO, Duration::ZERO)),
            has_arrived: Cell::new(false),
            crowded: Cell::new(None),
            order: Cell::new(None),
            orders: Cell::new(0),
            carried: Cell::new(0),
            #[cfg(feature = "testing")]
            is_scattered: Cell::new(false),
        }
    }

    #[cold]
    fn measure(&self, own: &Own) {
        let now = own.team.age();
        let is_typical = self.is_typical(now);
        let measured = self.end_period(now, own.metrics.worker_total_busy_duration(0));
        own.team.tell(own.place, measured.told(), now);
        let loads = own.team.loads(now);
        polling::note(measured.load, (&loads, own.team.processors()));
        let share = measured.is_crowded().then(|| share(measured, &loads)).flatten();
        let shares = self.has_been_crowded(share.is_some(), now, processors::idle);
        let gathers = || gather(own.place, measured, &loads).filter(|_| is_typical);
        self.order.set(if shares { share } else { gathers() });
        self.orders.set(self.orders.get().wrapping_add(1));
        self.carried.set(0);
    }

    /// Whether the period that ends now tells what the thread has to do: not if it has slept for the most of it, nor if
    /// connections have come meanwhile, which will have more turns from now on.
    fn is_typical(&self, now: Duration) -> bool {
        let (began, _) = self.measured.get();
        !self.has_arrived.take() && now.saturating_sub(began) <= OVERDUE
    }

    /// What was measured of the period that ends now, until when the thread has been busy for so long.
    fn end_period(&self, now: Duration, busy: Duration) -> Measured {
        let (began, busy_before) = self.measured.replace((now, busy));
        let passed_ns = latency_ns(now.saturating_sub(began)).max(1);
        let busy_ns = latency_ns(busy.saturating_sub(busy_before)).min(passed_ns);
        let (turns, waited_ns) = (self.turns.take().max(1), self.waited_ns.take());
        Measured {
            load: Load::try_from(busy_ns * 1000 / passed_ns).unwrap_or(1000),
            wait: Duration::from_nanos(waited_ns / u64::from(turns)),
        }
    }

    /// Whether the thread has been crowded long enough, while there were processors for others. `idle` tells how long
    /// those have been idle.
    fn has_been_crowded(
        &self,
        is_crowded: bool,
        now: Duration,
        idle: impl Fn() -> Option<Duration>,
    ) -> bool {
        if !is_crowded {
            self.crowded.set(None);
            return false;
        }
        let Some((since, idle_before)) = self.crowded.get() else {
            self.crowded.set(Some((now, idle())));
            return false;
        };
        let passed = now.saturating_sub(since);
        if passed < CROWDED {
            return false;
        }
        let idle = idle();
        self.crowded.set(Some((now, idle)));
        let spare = idle.zip(idle_before).map(|(idle, before)| idle.saturating_sub(before));
        spare.is_none_or(|spare| spare * 1000 >= passed * SPARE_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(50);

    #[test]
    fn a_period_tells_how_busy_it_was_and_how_long_turns_have_waited() {
        let pulse = Pulse::new();
        let none = Measured { load: 0, wait: Duration::ZERO };
        assert_eq!(pulse.end_period(STEP, Duration::ZERO), none);
        (0..4).for_each(|_| pulse.turns.set(pulse.turns.get() + 1));
        pulse.waited_ns.set(4_000);
        let half = Measured { load: 500, wait: Duration::from_micros(1) };
        assert_eq!(pulse.end_period(STEP * 2, STEP / 2), half);
        // The runtime counts a turn when it has ended, however long it was.
        assert_eq!(pulse.end_period(STEP * 3, STEP * 5), Measured { load: 1000, ..none });
    }

    #[test]
    fn who_has_been_crowded_for_a_while_shares_where_processors_are_to_spare() {
        let spare = CROWDED * SPARE_MIN / 1000;
        let less = spare.saturating_sub(Duration::from_nanos(1));
        for (idle, shares) in [(spare, true), (less, false)] {
            let pulse = Pulse::new();
            assert!(!pulse.has_been_crowded(true, STEP, || Some(Duration::ZERO)));
            assert!(!pulse.has_been_crowded(true, STEP * 2, || panic!("too early to look")));
            assert_eq!(pulse.has_been_crowded(true, STEP + CROWDED, || Some(idle)), shares);
            // From there on anew.
            assert!(!pulse.has_been_crowded(true, STEP + CROWDED * 2, || Some(idle)));
        }
        let pulse = Pulse::new();
        assert!(!pulse.has_been_crowded(true, STEP, || None));
        assert!(!pulse.has_been_crowded(false, STEP * 2, || None), "not any more");
        assert!(!pulse.has_been_crowded(true, STEP * 3, || None), "since just now");
        assert!(pulse.has_been_crowded(true, STEP * 3 + CROWDED, || None), "nobody tells");
    }

    #[test]
    fn every_second_one_leaves_for_a_half_and_each_is_asked_once() {
        let order = |share| {
            PULSE.with(|pulse| {
                pulse.order.set(Some(Order { to: 1, share }));
                pulse.orders.set(pulse.orders.get() + 1);
                pulse.carried.set(0);
            });
        };
        let mut asked = [0; 5];
        let mut ask = || asked.each_mut().map(leaves).iter().flatten().count();
        assert_eq!(ask(), 0, "without an order");
        order(WHOLE / 2);
        assert_eq!((ask(), ask()), (2, 0));
        order(WHOLE);
        assert_eq!((ask(), ask()), (5, 0));
        order(WHOLE / 2);
        assert_eq!(leaves(&mut 0), None, "one alone stays");
    }

    #[test]
    fn what_a_period_tells_is_acted_on_if_it_was_like_those_that_follow() {
        let pulse = Pulse::new();
        pulse.end_period(STEP, Duration::ZERO);
        assert!(pulse.is_typical(STEP * 2));
        assert!(!pulse.is_typical(STEP * 4), "it has slept");
        pulse.has_arrived.set(true);
        assert!(!pulse.is_typical(STEP * 2), "somebody came");
        assert!(pulse.is_typical(STEP * 2), "in that period");
    }

    #[test]
    fn an_order_is_not_for_those_who_come_later_and_does_not_last() {
        PULSE.with(|pulse| {
            pulse.order.set(Some(Order { to: 1, share: WHOLE }));
            pulse.orders.set(7);
        });
        assert_eq!((leaves(&mut arrived()), leaves(&mut 0)), (None, Some(1)));
        assert!(is_recent(7) && is_recent(6) && !is_recent(5));
    }

    #[test]
    fn who_is_silent_sleeps_or_is_stuck() {
        let told = Told::default();
        told.set(700, STEP);
        let at = |age: Duration, sleeps: bool| told.at(STEP + age, || sleeps);
        assert_eq!((at(OVERDUE, false), at(OVERDUE + STEP, false)), (700, FULL));
        assert_eq!(
            (at(SILENT, true), at(SILENT + STEP, true), at(SILENT + STEP, false)),
            (700, 0, FULL)
        );
    }
}

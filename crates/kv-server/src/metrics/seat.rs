//! The seat of a thread: a small number that no other living thread has.
//!
//! Whoever has a seat is the only writer of the counters that belong to it, so that counting needs no atomic
//! read-modify-write. A seat becomes free when its thread ends.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Threads that can have a seat of their own at a time. The workers of the runtime come first, and any
/// machine has fewer.
pub(super) const SEATS: usize = 256;

/// The seat that all other threads share.
pub(super) const SHARED: usize = SEATS;

/// No seat was asked for yet.
const UNSEATED: usize = usize::MAX;

/// Seats that are given back, and how many were ever given.
static SEATING: Mutex<Seating> = Mutex::new(Seating { free: BTreeSet::new(), given: 0 });

struct Seating {
    free: BTreeSet<usize>,
    given: usize,
}

thread_local! {
    /// Asked for at every count, and so apart from what has to be given back.
    static SEAT: Cell<usize> = const { Cell::new(UNSEATED) };
    static LEASE: Lease = Lease::take();
}

/// Gives its seat back when the thread ends.
struct Lease(usize);

/// The seat of this thread, or [`SHARED`].
pub(crate) fn seat() -> usize {
    let seat = SEAT.get();
    if seat == UNSEATED { take_seat() } else { seat }
}

#[cold]
fn take_seat() -> usize {
    // A thread that ends has given its seat back already.
    let seat = LEASE.try_with(|lease| lease.0).unwrap_or(SHARED);
    SEAT.set(seat);
    seat
}

impl Lease {
    fn take() -> Self {
        let mut seating = SEATING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = seating.free.pop_first() {
            return Self(seat);
        }
        if seating.given == SEATS {
            return Self(SHARED);
        }
        seating.given += 1;
        Self(seating.given - 1)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // From now on this thread is one of many.
        SEAT.set(SHARED);
        if self.0 != SHARED {
            SEATING.lock().unwrap_or_else(PoisonError::into_inner).free.insert(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn living_threads_have_different_seats_and_the_dead_give_theirs_back() {
        for _ in 0..SEATS {
            let all_seated = Barrier::new(8);
            let seats: Vec<usize> = thread::scope(|scope| {
                let sit = || {
                    let seat = seat();
                    assert_eq!(super::seat(), seat, "it stays");
                    all_seated.wait();
                    seat
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(sit)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            let own: BTreeSet<usize> = seats.into_iter().filter(|seat| *seat != SHARED).collect();
            assert_eq!(own.len(), 8, "others of this process leave enough seats");
        }
    }
}

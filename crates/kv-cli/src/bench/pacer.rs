//! Wakes the connections when their operations are due.
//!
//! A thread of its own: the runtime's timers count in milliseconds, and the system's sleep is late by some
//! fifty microseconds. That lateness is part of the latencies, which count from when an operation was due.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::control::Control;
use super::schedule::Schedule;
use crate::stopwatch::Stopwatch;

/// Longest sleep, so that the word to stop is heard soon.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// Wakes the connections in turn until so many operations have been due, or the run is stopped.
pub(super) fn spawn(
    control: Arc<Control>,
    schedule: Schedule,
    operations: u64,
    since: Stopwatch,
) -> io::Result<()> {
    let pace = move || pace(&control, schedule, operations, since);
    thread::Builder::new().name("bench-pacer".to_owned()).spawn(pace).map(drop)
}

fn pace(control: &Control, schedule: Schedule, operations: u64, since: Stopwatch) {
    let connections = control.connections();
    let (mut woken, mut turn) = (0, 0);
    while woken < operations && !control.is_stopped() {
        let pause = schedule.intended(woken).saturating_sub(since.elapsed());
        if !pause.is_zero() {
            sleep(pause.min(SLEEP_MAX));
            continue;
        }
        let due = schedule.due_at(since.elapsed()).min(operations).max(woken + 1);
        let late = usize::try_from(due - woken).unwrap_or(usize::MAX);
        // Once for each connection, however many operations of it are due.
        for behind in 0..late.min(connections) {
            control.wake((turn + behind) % connections);
        }
        turn = (turn + late % connections) % connections;
        woken = due;
    }
}

#[expect(clippy::disallowed_methods, reason = "a load at a fixed rate waits for the clock")]
fn sleep(pause: Duration) {
    thread::sleep(pause);
}

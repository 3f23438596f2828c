//! What the machine itself takes from whoever runs on it: its host, its system, and whatever else runs there.

use std::thread;
use std::time::Duration;

use super::processors::run_on;
use crate::latency::{Quantiles, Sample, Window, touched_room};
use crate::time::now;

/// Both sides are ready after so long.
const TIME_TO_BEGIN: Duration = Duration::from_millis(100);

/// How late requests at that rate would be answered at least: by a client that has `processor` to itself and a server
/// on this thread's, which both do nothing but look whether something is due. The later of them counts.
pub(super) fn lateness(rate: u64, span: Duration, processor: usize) -> Quantiles {
    let start = now() + TIME_TO_BEGIN;
    let window = Window { start, end: start + span };
    let client = thread::spawn(move || {
        run_on(processor);
        look(rate, window)
    });
    let server = look(rate, window);
    let both = client.join().unwrap().into_iter().zip(server);
    let later = both
        .map(|(client, server)| Sample { latency: client.latency.max(server.latency), ..client });
    Quantiles::within(&later.collect::<Vec<_>>(), window)
}

/// Of each time at that rate: how long it took until it was seen that it has come.
fn look(rate: u64, window: Window) -> Vec<Sample> {
    let pause = Duration::from_nanos(1_000_000_000 / rate);
    let count = window.end.duration_since(window.start).div_duration_f64(pause).ceil() as usize;
    let mut samples = touched_room(count);
    let mut due = window.start;
    while due < window.end {
        let time = now();
        while due <= time && due < window.end {
            samples.push(Sample { intended: due, latency: time - due });
            due += pause;
        }
    }
    samples
}

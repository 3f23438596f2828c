//! Waiting for the log under every order of what two threads do. See [`crate::sync`].

use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Poll, Wake, Waker};

use kv_core::{Durability, Lsn};
use loom::sync::Arc;
use loom::thread;

use super::positions::Positions;

/// Notes that it was woken.
#[derive(Default)]
struct Alarm(AtomicBool);

impl Wake for Alarm {
    fn wake(self: StdArc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// One waits for the second position while the other does `work`; whoever has to wait must have been woken in the
/// end. Returns what waiting once more says.
fn waits_beside(work: fn(&Positions)) {
    loom::model(move || {
        let positions = Arc::new(Positions::default());
        let (alarm, lsn) = (StdArc::new(Alarm::default()), Lsn::new(2));
        let waker = Waker::from(StdArc::clone(&alarm));
        let shared = Arc::clone(&positions);
        let writer = thread::spawn(move || work(&shared));
        let first = positions.begin_wait(lsn, Durability::Fsync, &waker);
        writer.join().unwrap();
        let was_woken = alarm.0.load(SeqCst);
        assert_eq!(was_woken, first.is_pending(), "{first:?}");
        let again = positions.begin_wait(lsn, Durability::Fsync, &waker);
        assert!(again.is_ready(), "woken too early: {again:?}");
        if let (Poll::Ready(first), Poll::Ready(again)) = (first, again) {
            assert_eq!(first.is_ok(), again.is_ok());
        }
    });
}

#[test]
fn whoever_waits_while_its_position_is_published_sees_it_or_is_woken() {
    waits_beside(|positions| {
        positions.publish(Durability::Buffered, Lsn::new(2));
        positions.publish(Durability::Fsync, Lsn::new(1));
        positions.publish(Durability::Fsync, Lsn::new(2));
    });
}

#[test]
fn whoever_waits_while_the_log_fails_is_told() {
    waits_beside(|positions| {
        positions.publish(Durability::Fsync, Lsn::new(1));
        assert!(positions.fail("for a test".to_owned()));
        positions.end_waits();
    });
}

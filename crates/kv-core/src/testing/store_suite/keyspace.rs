//! What a [`Store`] must do with keys as such: renaming, copying, drawing and looking at them.

use std::collections::HashMap;

use super::{run, scan, set, set_for, value};
use crate::scan::{ScanCursor, ScanSpec};
use crate::store::Store;
use crate::testing::ManualClock;
use crate::types::{Action, Lsn, Op, Transfer, TransferOutcome, TransferReply, Version};

fn transfer<S: Store>(store: &S, keep_source: bool, replace: bool) -> TransferReply {
    let transfer = Transfer { from: b"from", to: b"to", keep_source, replace };
    store.transfer(&transfer).expect("the transfer is allowed")
}

pub(super) fn transfers_take_value_and_expiry_along<S: Store>(store: &S, clock: &ManualClock) {
    let large = vec![b'x'; 300_000];
    for text in [&b""[..], b"small", &large] {
        for keep_source in [false, true] {
            for replace in [false, true] {
                store.flush().expect("allowed");
                let absent = transfer(store, keep_source, replace);
                assert_eq!(absent.outcome, TransferOutcome::SourceAbsent);
                assert_eq!(absent.version, Version::NONE);

                let source = run(store, b"from", set_for(text, 1000));
                clock.advance_ms(10);
                let done = transfer(store, keep_source, replace);
                assert_eq!(done.outcome, TransferOutcome::Done);
                let read = run(store, b"to", Action::Get);
                assert_eq!((read.version, read.ttl_ms), (done.version, Some(990)));
                assert_eq!(read.into_value().as_deref(), Some(text));
                let left = run(store, b"from", Action::Get);
                assert_eq!(left.applied, keep_source);
                assert!(!keep_source || left.version == source.version, "a source is not changed");

                let source = run(store, b"from", set(b"other"));
                let again = transfer(store, keep_source, replace);
                if replace {
                    assert_eq!(again.outcome, TransferOutcome::Done);
                    assert!(again.version > done.version);
                    assert_eq!(run(store, b"to", Action::Get).ttl_ms, None, "that of the source");
                    assert_eq!(value(store, b"to").as_deref(), Some(&b"other"[..]));
                } else {
                    assert_eq!(again.outcome, TransferOutcome::DestinationExists);
                    assert_eq!(again.version, done.version);
                    assert_eq!(value(store, b"to").as_deref(), Some(text));
                    assert_eq!(run(store, b"from", Action::Get).version, source.version);
                }
            }
        }
    }
}

pub(super) fn transfers_mind_expired_keys_and_themselves<S: Store>(store: &S, clock: &ManualClock) {
    run(store, b"from", set_for(b"v", 10));
    clock.advance_ms(10);
    assert_eq!(transfer(store, false, true).outcome, TransferOutcome::SourceAbsent);
    run(store, b"to", set_for(b"old", 10));
    clock.advance_ms(10);
    run(store, b"from", set(b"v"));
    let done = transfer(store, false, false);
    assert_eq!(done.outcome, TransferOutcome::Done, "an expired destination does not exist");
    let back = run(store, b"from", set(b"w")).version;
    assert!(back > Version::NONE);

    for (keep_source, replace) in [(false, false), (false, true), (true, false), (true, true)] {
        let itself = Transfer { from: b"to", to: b"to", keep_source, replace };
        let reply = store.transfer(&itself).expect("allowed");
        let outcome =
            if replace { TransferOutcome::Done } else { TransferOutcome::DestinationExists };
        assert_eq!(reply, TransferReply { outcome, version: done.version, lsn: Lsn::ZERO });
        assert_eq!(run(store, b"to", Action::Get).version, done.version, "nothing has changed");
    }
    let too_long = vec![b'k'; crate::Limits::default().key_bytes_max + 1];
    for (from, to) in [(&b"from"[..], &too_long[..]), (&too_long, b"to")] {
        let long = Transfer { from, to, keep_source: true, replace: true };
        store.transfer(&long).expect_err("a key is too long");
    }
}

/// KV-I6.
pub(super) fn random_keys_are_live_and_any<S: Store>(store: &S, clock: &ManualClock) {
    const KEYS: u32 = 5000;
    const DRAWS: u32 = 20_000;
    let draw = || store.random_key().key.map(|key| key.to_vec());
    assert_eq!(draw(), None);
    run(store, b"only", set(b"v"));
    assert_eq!(draw().as_deref(), Some(&b"only"[..]));
    for number in 0..200_u8 {
        run(store, &[number], set_for(b"v", 10));
    }
    clock.advance_ms(10);
    for _ in 0..20 {
        assert_eq!(draw().as_deref(), Some(&b"only"[..]), "the others have expired");
    }
    run(store, b"only", Action::Delete { return_previous: false });
    assert_eq!(draw(), None, "expired keys alone are none");

    for number in 0..KEYS {
        run(store, &number.to_le_bytes(), set(b"v"));
    }
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
    for _ in 0..DRAWS {
        *seen.entry(draw().expect("there are keys")).or_default() += 1;
    }
    // Uniformly drawn, it would be 98 of 100 keys, and none more than about 20 times.
    assert!(seen.len() > KEYS as usize * 8 / 10, "{} keys were drawn", seen.len());
    let most = seen.values().max().copied().unwrap_or_default();
    assert!(most < 60, "one key was drawn {most} times");
}

pub(super) fn keys_are_looked_at_without_a_change<S: Store>(store: &S, clock: &ManualClock) {
    assert_eq!(store.inspect(b"k"), None);
    let small = run(store, b"k", set(b"123"));
    let info = store.inspect(b"k").expect("it exists");
    assert_eq!((info.version, info.ttl_ms, info.value_bytes), (small.version, None, 3));
    assert!(info.is_integer && (10..200).contains(&info.memory_bytes), "{info:?}");
    // Noise, which no store can keep in less.
    let mut noise = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| noise.u8(..)).take(100_000).collect();
    run(store, b"k", set_for(&noise, 50));
    let large = store.inspect(b"k").expect("it exists");
    assert_eq!((large.ttl_ms, large.value_bytes, large.is_integer), (Some(50), 100_000, false));
    assert!((100_000..130_000).contains(&large.memory_bytes), "{large:?}");
    let reads = |stats: crate::StoreStats| stats.hits + stats.misses;
    let before = reads(store.stats());
    store.inspect(b"k");
    assert_eq!(reads(store.stats()), before, "it is not counted as a read");
    clock.advance_ms(50);
    assert_eq!(store.inspect(b"k"), None);
}

pub(super) fn numbers_are_cursors<S: Store>(store: &S, _: &ManualClock) {
    let keys: Vec<[u8; 2]> = (0..1000_u16).map(u16::to_le_bytes).collect();
    for key in &keys {
        run(store, key, set(b"v"));
    }
    let spec = ScanSpec { prefix: b"", page_keys: 7, page_bytes: 0, values: false };
    let page = |number: u64| {
        let page = store.scan(&spec, ScanCursor::from_u64(number)).expect("any number is a cursor");
        (page.entries.len(), page.next.map_or(0, ScanCursor::to_u64))
    };
    let (mut found, mut next) = page(0);
    while next != 0 {
        let (more, after) = page(next);
        assert_ne!(after, next, "it goes on");
        (found, next) = (found + more, after);
    }
    assert_eq!(found, keys.len(), "each once when nothing moves");
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..2000_u32 {
        let mut next = match round % 3 {
            0 => random.u64(1..),
            1 => random.u64(1..1 << 43),
            _ => u64::MAX - u64::from(round),
        };
        // From anywhere, the end comes: no page leads back.
        let mut pages = 0;
        while next != 0 {
            next = page(next).1;
            pages += 1;
            assert!(pages <= keys.len() + 70_000, "it goes round in circles");
        }
    }
    assert_eq!(scan(store, b"", 7).len(), keys.len());
}

pub(super) fn batches_and_transfers_mix<S: Store>(store: &S, _: &ManualClock) {
    let ops = [Op::new(b"from", set(b"1")), Op::new(b"to", set(b"2"))];
    store.execute_atomic(&ops).expect("allowed");
    assert_eq!(transfer(store, false, true).outcome, TransferOutcome::Done);
    let stats = store.stats();
    assert_eq!((stats.keys, stats.writes), (1, 3), "a transfer is one write");
}

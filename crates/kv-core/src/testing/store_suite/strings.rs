//! What a [`Store`] must do with values that are changed in part, and with expiries that are looked at.

use super::{run, run_if, set, set_for, value};
use crate::error::StoreError;
use crate::store::Store;
use crate::testing::ManualClock;
use crate::types::{
    Action, Condition, Deadline, ExpireRule, ExpiryChange, Extended, Op, Payload, UnixMillis,
    Version,
};

fn float(text: &str) -> Extended {
    Extended::parse(text.as_bytes()).expect("tests use valid numbers")
}

pub(super) fn a_condition_on_the_value_compares_all_of_it<S: Store>(store: &S, _: &ManualClock) {
    let swap = |wanted: &[u8]| run_if(store, b"k", Condition::IfValue(wanted), set(b"new"));
    assert!(!swap(b"").applied, "an absent key has no value, not even an empty one");
    let large = vec![b'x'; 100_000];
    for present in [&b""[..], b"v", &large] {
        let written = run(store, b"k", set(present));
        for other in [&b"w"[..], b"vv", &large[1..]] {
            let unmet = swap(other);
            assert!(!unmet.applied && unmet.version == written.version);
            assert_eq!(unmet.into_value().as_deref(), Some(present), "what it is instead");
        }
        let swapped = swap(present);
        assert!(swapped.applied && swapped.version > written.version);
        assert_eq!(value(store, b"k").as_deref(), Some(&b"new"[..]));
    }
}

pub(super) fn a_deadline_is_told_without_a_change<S: Store>(store: &S, clock: &ManualClock) {
    let look = || run(store, b"k", Action::Deadline);
    let absent = look();
    assert!(!absent.applied && absent.payload == Payload::None);
    let written = run(store, b"k", set(b"v"));
    let forever = look();
    assert!(forever.applied && forever.version == written.version);
    assert_eq!((forever.payload, forever.ttl_ms), (Payload::None, None));
    let now = crate::Clock::now(clock);
    run(store, b"k", set_for(b"v", 100));
    let ends = UnixMillis::new(now.get() + 100);
    assert_eq!((look().payload, look().ttl_ms), (Payload::Deadline(ends), Some(100)));
    clock.advance_ms(99);
    assert_eq!((look().payload, look().ttl_ms), (Payload::Deadline(ends), Some(1)));
    clock.advance_ms(1);
    assert!(!look().applied);
}

pub(super) fn reading_and_expiring_is_one_step<S: Store>(store: &S, _: &ManualClock) {
    let in_ms = |ttl_ms| Deadline::after(ttl_ms).expect("valid");
    let change = |change| run(store, b"k", Action::GetExpire(change));
    let always = |ttl_ms| ExpiryChange::Set(in_ms(ttl_ms), ExpireRule::Always);
    let absent = change(always(100));
    assert!(!absent.applied && absent.payload == Payload::None);

    let v = || Payload::Value("v".into());
    let written = run(store, b"k", set(b"v"));
    let kept = change(ExpiryChange::Persist);
    assert!(kept.applied, "the key is there");
    assert_eq!((kept.payload, kept.ttl_ms, kept.version), (v(), None, written.version));
    let expiring = change(always(100));
    assert_eq!((expiring.payload, expiring.ttl_ms), (v(), Some(100)));
    assert!(expiring.version > written.version);
    let forbidden = change(ExpiryChange::Set(in_ms(900), ExpireRule::IfNone));
    assert!(forbidden.applied && forbidden.ttl_ms == Some(100), "the rule is about the expiry");
    assert_eq!(forbidden.version, expiring.version);
    let persisted = change(ExpiryChange::Persist);
    assert_eq!((persisted.payload, persisted.ttl_ms), (v(), None));
    let past = Deadline::at(1).expect("valid");
    let ended = change(ExpiryChange::Set(past, ExpireRule::Always));
    assert!(ended.applied && ended.version > persisted.version);
    assert_eq!((ended.payload, ended.ttl_ms), (v(), None), "the value for the last time");
    assert_eq!(value(store, b"k"), None);
    let unmet = run_if(store, b"k", Condition::IfPresent, Action::GetExpire(always(1)));
    assert!(!unmet.applied);
}

pub(super) fn ranges_are_written_over_and_beyond<S: Store>(store: &S, _: &ManualClock) {
    let write = |offset, bytes| store.execute(&Op::new(b"k", Action::SetRange { offset, bytes }));
    let length = |reply: Result<crate::Reply, _>| reply.map(|reply| reply.payload);
    let nothing = write(7, b"").expect("allowed");
    assert!(nothing.applied && nothing.version == Version::NONE, "no bytes make no key");
    assert_eq!(nothing.payload, Payload::Length(0));
    assert_eq!(length(write(2, b"ab")), Ok(Payload::Length(4)));
    assert_eq!(value(store, b"k").as_deref(), Some(&b"\0\0ab"[..]));
    run(store, b"k", set_for(b"hello world", 500));
    assert_eq!(length(write(6, b"redis")), Ok(Payload::Length(11)));
    assert_eq!(length(write(0, b"J")), Ok(Payload::Length(11)));
    assert_eq!(value(store, b"k").as_deref(), Some(&b"Jello redis"[..]));
    assert_eq!(length(write(13, b"!")), Ok(Payload::Length(14)));
    let read = run(store, b"k", Action::Get);
    assert_eq!(read.ttl_ms, Some(500), "it keeps the expiry");
    assert_eq!(read.clone().into_value().as_deref(), Some(&b"Jello redis\0\0!"[..]));
    let empty = write(u64::MAX, b"").expect("allowed wherever");
    assert_eq!((empty.payload, empty.version), (Payload::Length(14), read.version));

    let max = crate::Limits::default().value_bytes_max as u64;
    for (offset, bytes) in [(max, &b"x"[..]), (max - 1, b"xy"), (u64::MAX, b"x"), (u64::MAX, b"xy")]
    {
        let refused = write(offset, bytes);
        assert!(matches!(refused, Err(StoreError::ValueTooLong { .. })), "{refused:?}");
    }
    assert_eq!(run(store, b"k", Action::Get), read, "refusals change nothing");
    let unmet = Action::SetRange { offset: 0, bytes: b"x" };
    assert!(!run_if(store, b"k", Condition::IfAbsent, unmet).applied);
}

pub(super) fn floats_are_added_as_redis_does<S: Store>(store: &S, _: &ManualClock) {
    let add = |delta: &str| {
        let delta = float(delta);
        store.execute(&Op::new(b"f", Action::IncrementFloat { delta }))
    };
    let text = |reply: Result<crate::Reply, _>| {
        reply.map(|reply| {
            String::from_utf8_lossy(&reply.into_value().unwrap_or_default()).into_owned()
        })
    };
    assert_eq!(text(add("10.50")), Ok("10.5".to_owned()));
    assert_eq!(text(add("0.1")), Ok("10.6".to_owned()));
    assert_eq!(value(store, b"f").as_deref(), Some(&b"10.6"[..]), "the text is what is stored");
    run(store, b"f", set_for(b"5.0e3", 700));
    let added = add("2.0e2").expect("allowed");
    assert_eq!((added.ttl_ms, text(Ok(added))), (Some(700), Ok("5200".to_owned())));
    assert_eq!(add("inf"), Err(StoreError::FloatOverflow));
    run(store, b"f", set(b"1e4932"));
    assert_eq!(add("1e4932"), Err(StoreError::FloatOverflow));
    for not_a_float in ["", "abc", " 1", "1 ", "1e", "nan", "1e5000", "1,5"] {
        run(store, b"f", set(not_a_float.as_bytes()));
        assert_eq!(add("1"), Err(StoreError::NotAFloat), "{not_a_float:?}");
        assert_eq!(value(store, b"f").as_deref(), Some(not_a_float.as_bytes()), "unchanged");
    }
}

pub(super) fn pipelines_keep_their_order<S: Store>(store: &S, _: &ManualClock) {
    let too_long = vec![b'k'; crate::Limits::default().key_bytes_max + 1];
    let mut ops = Vec::new();
    for key in [b"a", b"b", b"a", b"b"] {
        ops.push(Op::new(key, Action::Append { suffix: key }));
        ops.push(Op::new(key, Action::Get));
        ops.push(Op::new(&too_long, Action::Get));
        ops.push(Op::new(key, Action::Increment { delta: 1 }));
    }
    let ops = ops.repeat(20);
    let mut results = vec![Err(StoreError::CursorInvalid)];
    store.execute_in_order(&ops, &mut results).expect("the pipeline is allowed");
    assert_eq!(results.len(), ops.len() + 1, "what was there stays");
    let mut lengths = [0, 0];
    for (op, result) in ops.iter().zip(results.drain(1..)) {
        let letter = usize::from(op.key[0] == b'b');
        match op.action {
            Action::Append { .. } => {
                lengths[letter] += 1;
                let reply = result.expect("allowed");
                assert_eq!(reply.payload, Payload::Length(lengths[letter]));
            }
            Action::Get if op.key.len() == 1 => {
                let read = result.expect("allowed").into_value().expect("it exists");
                assert_eq!(read.len() as u64, lengths[letter]);
            }
            Action::Get => assert!(matches!(result, Err(StoreError::KeyTooLong { .. }))),
            _ => assert_eq!(result, Err(StoreError::NotAnInteger)),
        }
    }
    store.execute_in_order(&[], &mut results).expect("nothing is allowed");
    let most = crate::Limits::default().batch_ops_max;
    let ops = vec![Op::new(b"k", Action::Get); most + 1];
    let refused = store.execute_in_order(&ops, &mut results);
    assert!(matches!(refused, Err(StoreError::BatchTooLarge { .. })), "{refused:?}");
    assert_eq!(results.len(), 1);
}

//! What every [`Store`] must do.

mod concurrency;
mod keyspace;
mod strings;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::ManualClock;
use crate::error::{BatchError, StoreError};
use crate::scan::{ScanCursor, ScanSpec};
use crate::store::Store;
use crate::types::{
    Action, Condition, Deadline, ExpireRule, ExpiryChange, Op, Payload, Reply, SetExpiry, Version,
};

/// Runs every check on fresh stores that read the given clock and have default limits.
pub fn test_all<S: Store>(make: impl Fn(Arc<ManualClock>) -> S) {
    let check = |check: fn(&S, &ManualClock)| {
        let clock = Arc::new(ManualClock::default());
        check(&make(Arc::clone(&clock)), &clock);
    };
    for one in [
        values_read_back,
        conditions_decide,
        versions_grow_across_deletes_and_flushes,
        expired_keys_are_never_seen,
        expiry_rules_decide,
        a_past_deadline_is_a_delete,
        numbers_are_checked,
        limits_refuse_and_change_nothing,
        batches_keep_the_order_of_a_key,
        atomic_batches_are_all_or_nothing,
        atomic_batches_see_their_own_effects,
        scans_return_what_stays,
        foreign_cursors_are_refused,
        strings::a_condition_on_the_value_compares_all_of_it,
        strings::a_deadline_is_told_without_a_change,
        strings::reading_and_expiring_is_one_step,
        strings::ranges_are_written_over_and_beyond,
        strings::floats_are_added_as_redis_does,
        strings::pipelines_keep_their_order,
        keyspace::transfers_take_value_and_expiry_along,
        keyspace::transfers_mind_expired_keys_and_themselves,
        keyspace::random_keys_are_live_and_any,
        keyspace::keys_are_looked_at_without_a_change,
        keyspace::numbers_are_cursors,
        keyspace::batches_and_transfers_mix,
        concurrency::increments_are_not_lost,
        concurrency::pipelines_are_seen_in_order,
        concurrency::transfers_are_seen_whole,
        concurrency::atomic_batches_are_seen_whole,
        concurrency::conditional_sets_have_one_winner,
    ] {
        check(one);
    }
}

fn set(value: &[u8]) -> Action<'_> {
    Action::Set { value, expiry: SetExpiry::Never, return_previous: true }
}

fn set_for(value: &[u8], ttl_ms: i64) -> Action<'_> {
    let deadline = Deadline::after(ttl_ms).expect("tests use valid TTLs");
    Action::Set { value, expiry: SetExpiry::Deadline(deadline), return_previous: false }
}

fn run<S: Store>(store: &S, key: &[u8], action: Action<'_>) -> Reply {
    store.execute(&Op::new(key, action)).expect("the operation is allowed")
}

fn run_if<S: Store>(store: &S, key: &[u8], condition: Condition<'_>, action: Action<'_>) -> Reply {
    store.execute(&Op { key, condition, action }).expect("the operation is allowed")
}

fn value<S: Store>(store: &S, key: &[u8]) -> Option<Bytes> {
    run(store, key, Action::Get).into_value()
}

fn values_read_back<S: Store>(store: &S, _clock: &ManualClock) {
    let large = vec![7; 300_000];
    let cases: [(&[u8], &[u8]); 5] = [
        (b"", b"empty key"),
        (b"k", b""),
        (b"\0\xff", b"\r\n\0"),
        (b"large", &large),
        (b"k2", b"v"),
    ];
    for (key, expected) in cases {
        assert!(!run(store, key, Action::Get).applied, "{key:?} is not there yet");
        let written = run(store, key, set(expected));
        assert!(written.applied && written.payload == Payload::None && written.ttl_ms.is_none());
        assert!(!written.existed);
        let read = run(store, key, Action::Get);
        assert_eq!((read.version, read.ttl_ms), (written.version, None));
        assert_eq!(read.into_value().as_deref(), Some(expected));
        let length = run(store, key, Action::Exists).payload;
        assert_eq!(length, Payload::Length(expected.len() as u64));
        let again = run(store, key, set(b"new"));
        assert!(again.existed);
        assert_eq!(again.into_value().as_deref(), Some(expected), "the value before");
    }
    assert_eq!(store.stats().keys, cases.len() as u64);
}

fn conditions_decide<S: Store>(store: &S, _clock: &ManualClock) {
    let absent = run_if(store, b"k", Condition::IfPresent, set(b"v"));
    assert!(!absent.applied && absent.version == Version::NONE);
    assert!(!run_if(store, b"k", Condition::IfVersion(Version::new(1)), set(b"v")).applied);
    let first = run_if(store, b"k", Condition::IfAbsent, set(b"v1"));
    assert!(first.applied);
    let second = run_if(store, b"k", Condition::IfAbsent, set(b"v2"));
    assert!(!second.applied);
    assert_eq!(second.version, first.version, "an unmet condition tells the present version");
    assert!(second.existed && !first.existed);
    assert_eq!(second.into_value().as_deref(), Some(&b"v1"[..]));
    let swapped = run_if(store, b"k", Condition::IfVersion(first.version), set(b"v3"));
    assert!(swapped.applied && swapped.version > first.version);
    let delete = Action::Delete { return_previous: true };
    assert!(!run_if(store, b"k", Condition::IfVersion(first.version), delete).applied);
    let deleted = run_if(store, b"k", Condition::IfVersion(swapped.version), delete);
    assert!(deleted.applied && deleted.version > swapped.version);
    assert_eq!(deleted.into_value().as_deref(), Some(&b"v3"[..]));
    assert!(!run(store, b"k", delete).applied, "there is nothing left to delete");
}

/// KV-I4.
fn versions_grow_across_deletes_and_flushes<S: Store>(store: &S, _clock: &ManualClock) {
    let mut last = Version::NONE;
    let mut grows = |reply: Reply| {
        assert!(reply.applied);
        assert!(reply.version > last, "{} came after {last}", reply.version);
        last = reply.version;
    };
    for _ in 0..3 {
        grows(run(store, b"k", set(b"1")));
        grows(run(store, b"k", Action::Increment { delta: 1 }));
        grows(run(store, b"k", Action::Append { suffix: b"0" }));
        let deadline = Deadline::after(1000).expect("valid");
        let expire = ExpiryChange::Set(deadline, ExpireRule::Always);
        grows(run(store, b"k", Action::Expire(expire)));
        grows(run(store, b"k", Action::Expire(ExpiryChange::Persist)));
        grows(run(store, b"k", Action::Delete { return_previous: false }));
        grows(run(store, b"k", set(b"x")));
        assert_eq!(store.flush().expect("flushing is allowed").0, 1);
        assert_eq!(value(store, b"k"), None);
    }
}

/// KV-I6.
fn expired_keys_are_never_seen<S: Store>(store: &S, clock: &ManualClock) {
    run(store, b"k", set_for(b"v", 100));
    clock.advance_ms(99);
    assert_eq!(run(store, b"k", Action::Get).ttl_ms, Some(1));
    clock.advance_ms(1);
    assert!(scan(store, b"", 10).is_empty(), "a scan does not see it");
    assert!(!run(store, b"k", Action::Exists).applied);
    assert_eq!(value(store, b"k"), None);
    run(store, b"k", set_for(b"5", 100));
    clock.advance_ms(100);
    let fresh = run(store, b"k", Action::Increment { delta: 1 });
    assert_eq!((fresh.payload, fresh.ttl_ms), (Payload::Number(1), None), "neither value nor TTL");
}

fn expiry_rules_decide<S: Store>(store: &S, _clock: &ManualClock) {
    let expire = |ttl_ms, rule| {
        let deadline = Deadline::after(ttl_ms).expect("valid");
        run(store, b"k", Action::Expire(ExpiryChange::Set(deadline, rule)))
    };
    assert!(!expire(100, ExpireRule::Always).applied, "the key does not exist");
    run(store, b"k", set(b"v"));
    let cases = [
        (ExpireRule::IfSome, 100, false, None),
        (ExpireRule::IfLater, 100, false, None),
        (ExpireRule::IfEarlier, 500, true, Some(500)),
        (ExpireRule::IfNone, 100, false, Some(500)),
        (ExpireRule::IfEarlier, 500, false, Some(500)),
        (ExpireRule::IfLater, 500, false, Some(500)),
        (ExpireRule::IfLater, 900, true, Some(900)),
        (ExpireRule::IfSome, 300, true, Some(300)),
        (ExpireRule::Always, 700, true, Some(700)),
    ];
    for (rule, ttl_ms, applied, after) in cases {
        let reply = expire(ttl_ms, rule);
        assert_eq!((reply.applied, reply.ttl_ms), (applied, after), "{rule:?} {ttl_ms}");
    }
    assert_eq!(run(store, b"k", Action::Append { suffix: b"w" }).ttl_ms, Some(700), "append keeps");
    let keep = Action::Set { value: b"w", expiry: SetExpiry::Keep, return_previous: false };
    assert_eq!(run(store, b"k", keep).ttl_ms, Some(700), "keep keeps");
    assert!(run(store, b"k", Action::Expire(ExpiryChange::Persist)).applied);
    assert!(!run(store, b"k", Action::Expire(ExpiryChange::Persist)).applied);
    run(store, b"k", set_for(b"v", 100));
    assert_eq!(run(store, b"k", set(b"v")).ttl_ms, None, "a plain set removes the expiry");
}

fn a_past_deadline_is_a_delete<S: Store>(store: &S, _clock: &ManualClock) {
    let past = Deadline::at(1).expect("valid");
    let set_past =
        Action::Set { value: b"v", expiry: SetExpiry::Deadline(past), return_previous: false };
    let on_absent = run(store, b"k", set_past);
    assert!(on_absent.applied && on_absent.version == Version::NONE);
    run(store, b"k", set(b"v"));
    assert!(run(store, b"k", set_past).applied);
    assert_eq!(value(store, b"k"), None);
    run(store, b"k", set(b"v"));
    let expire = Action::Expire(ExpiryChange::Set(past, ExpireRule::Always));
    assert!(run(store, b"k", expire).applied);
    assert_eq!(value(store, b"k"), None);
}

fn numbers_are_checked<S: Store>(store: &S, _clock: &ManualClock) {
    let add = |delta| store.execute(&Op::new(b"n", Action::Increment { delta }));
    let number = |reply: Result<Reply, _>| reply.map(|reply| reply.payload);
    assert_eq!(number(add(i64::MAX)), Ok(Payload::Number(i64::MAX)));
    let overflow = StoreError::IntegerOverflow { present: i64::MAX, delta: 1 };
    assert_eq!(number(add(1)), Err(overflow));
    assert_eq!(value(store, b"n").as_deref(), Some(i64::MAX.to_string().as_bytes()));
    assert_eq!(number(add(i64::MIN)), Ok(Payload::Number(-1)));
    for text in ["abc", "", "1.5", " 1", "+1", "007"] {
        run(store, b"n", set(text.as_bytes()));
        assert_eq!(number(add(1)), Err(StoreError::NotAnInteger), "{text:?}");
        assert_eq!(value(store, b"n").as_deref(), Some(text.as_bytes()), "{text:?} is unchanged");
    }
}

fn limits_refuse_and_change_nothing<S: Store>(store: &S, _clock: &ManualClock) {
    let limits = crate::Limits::default();
    let longest = vec![b'k'; limits.key_bytes_max];
    run(store, &longest, set(b"v"));
    let too_long = vec![b'k'; limits.key_bytes_max + 1];
    for action in [Action::Get, set(b"v"), Action::Delete { return_previous: false }] {
        let refused = store.execute(&Op::new(&too_long, action));
        assert!(matches!(refused, Err(StoreError::KeyTooLong { .. })), "{refused:?}");
    }
    let ops = vec![Op::new(b"k", set(b"v")); limits.batch_ops_max + 1];
    let refused = store.execute_batch(&ops, &mut Vec::new());
    assert!(matches!(refused, Err(StoreError::BatchTooLarge { .. })), "{refused:?}");
    assert!(store.execute_atomic(&ops).is_err());
    assert_eq!(store.stats().keys, 1);
}

fn batches_keep_the_order_of_a_key<S: Store>(store: &S, _clock: &ManualClock) {
    let keys: Vec<[u8; 1]> = (0..50).map(|key| [key]).collect();
    let mut ops = Vec::new();
    for round in 0..4 {
        for key in &keys {
            let action = match round {
                0 => set(b"5"),
                1 => Action::Increment { delta: 2 },
                2 => Action::Append { suffix: b"x" },
                _ => Action::Get,
            };
            ops.push(Op::new(key, action));
        }
    }
    ops.push(Op::new(b"\x01", Action::Increment { delta: 1 }));
    let mut results = Vec::new();
    store.execute_batch(&ops, &mut results).expect("the batch is allowed");
    assert_eq!(results.len(), ops.len());
    for result in &results[150..200] {
        let reply = result.clone().expect("reads are allowed");
        assert_eq!(reply.into_value().as_deref(), Some(&b"7x"[..]));
    }
    assert_eq!(results[200], Err(StoreError::NotAnInteger), "one refusal leaves the others alone");
}

fn atomic_batches_are_all_or_nothing<S: Store>(store: &S, _clock: &ManualClock) {
    run(store, b"present", set(b"text"));
    let version = run(store, b"present", Action::Get).version;
    let good = Op::new(b"new", set(b"v"));
    let unmet = Op { key: b"present", condition: Condition::IfAbsent, action: set(b"w") };
    let refused = Op::new(b"present", Action::Increment { delta: 1 });
    let failed = store.execute_atomic(&[good, unmet, good]);
    assert!(
        matches!(failed, Err(BatchError::ConditionFailed { index: 1, version: seen, .. }) if seen == version),
        "{failed:?}"
    );
    let failed = store.execute_atomic(&[good, good, refused]);
    assert_eq!(failed, Err(BatchError::Refused { index: 2, error: StoreError::NotAnInteger }));
    assert_eq!(value(store, b"new"), None, "nothing of a failed batch is there");
    let guard =
        Op { key: b"present", condition: Condition::IfVersion(version), action: Action::Exists };
    let done = store.execute_atomic(&[guard, good]).expect("the guard holds");
    assert!(done.iter().all(|reply| reply.applied));
    assert_eq!(store.execute_atomic(&[]), Ok(Vec::new()));
}

fn atomic_batches_see_their_own_effects<S: Store>(store: &S, _clock: &ManualClock) {
    let deadline = Deadline::after(500).expect("valid");
    let expire = Action::Expire(ExpiryChange::Set(deadline, ExpireRule::Always));
    let ops = [
        Op::new(b"a", set(b"1")),
        Op::new(b"a", Action::Increment { delta: 4 }),
        Op::new(b"a", expire),
        Op::new(b"a", Action::Get),
        Op::new(b"b", Action::Append { suffix: b"x" }),
        Op::new(b"b", Action::Delete { return_previous: true }),
        Op { key: b"b", condition: Condition::IfAbsent, action: set(b"y") },
        Op::new(b"c", set(b"z")),
        Op::new(b"c", Action::Delete { return_previous: false }),
    ];
    let replies = store.execute_atomic(&ops).expect("the batch can be made");
    assert_eq!(replies[1].payload, Payload::Number(5));
    assert_eq!(replies[3].payload, Payload::Value("5".into()));
    assert_eq!(replies[3].ttl_ms, Some(500));
    assert_eq!(replies[5].payload, Payload::Value("x".into()));
    let of_a: HashSet<Version> = replies[..4].iter().map(|reply| reply.version).collect();
    assert_eq!(of_a.len(), 1, "a key gets one version per batch");
    let read = run(store, b"a", Action::Get);
    assert_eq!((Some(&read.version), read.ttl_ms), (of_a.iter().next(), Some(500)));
    assert_eq!(value(store, b"b").as_deref(), Some(&b"y"[..]));
    assert_eq!(value(store, b"c"), None);
}

fn scan<S: Store>(store: &S, prefix: &[u8], page_keys: usize) -> Vec<Vec<u8>> {
    scan_with(store, prefix, page_keys, |_page| ())
}

fn scan_with<S: Store>(
    store: &S,
    prefix: &[u8],
    page_keys: usize,
    mut between: impl FnMut(usize),
) -> Vec<Vec<u8>> {
    let spec = ScanSpec { prefix, page_keys, page_bytes: 0, values: true };
    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.scan(&spec, cursor).expect("the cursor is this store's");
        assert!(page.entries.len() <= page_keys, "no page is longer than asked");
        for entry in page.entries {
            assert!(entry.key.starts_with(prefix) && entry.value.is_some());
            found.push(entry.key.to_vec());
        }
        let Some(next) = page.next else { return found };
        cursor = Some(ScanCursor::decode(&next.encode()).expect("cursors survive encoding"));
        between(pages);
        pages += 1;
    }
}

fn scans_return_what_stays<S: Store>(store: &S, _clock: &ManualClock) {
    let key = |kind: &str, number: usize| format!("{kind}:{number}").into_bytes();
    for number in 0..2000 {
        run(store, &key("stays", number), set(b"v"));
        run(store, &key("goes", number), set(b"v"));
    }
    let churn = |page: usize| {
        for number in page * 40..(page + 1) * 40 {
            run(store, &key("goes", number), Action::Delete { return_previous: false });
            run(store, &key("comes", number), set(b"v"));
        }
    };
    let found: HashSet<Vec<u8>> = scan_with(store, b"", 50, churn).into_iter().collect();
    for number in 0..2000 {
        assert!(found.contains(&key("stays", number)), "key {number} was there all the time");
    }
    let prefixed = scan(store, b"stays:1", 7);
    assert_eq!(
        prefixed.len(),
        1111,
        "1, 10-19, 100-199 and 1000-1999, each once when nothing moves"
    );
}

fn foreign_cursors_are_refused<S: Store>(store: &S, _clock: &ManualClock) {
    let foreign = ScanCursor { store: Some(42), shard: 0, position: 0 };
    let spec = ScanSpec { prefix: b"", page_keys: 0, page_bytes: 0, values: false };
    assert_eq!(store.scan(&spec, Some(foreign)), Err(StoreError::CursorInvalid));
}

//! The table against a plain set, and its accounts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn entry(key: u32) -> Entry {
    Entry::new(&key.to_le_bytes(), b"", None)
}

fn insert(table: &mut Table, random: &mut fastrand::Rng) {
    table.insert(Fingerprint(random.u32(..)), Entry::new(b"k", b"", None));
}

/// What a table may grow to is what was asked for in advance.
fn check(table: &mut Table, additional: usize, add: impl FnOnce(&mut Table)) {
    let (before, asked) = (table.heap_bytes(), table.bytes_to_grow(additional));
    add(table);
    let grown = table.heap_bytes().saturating_sub(before);
    assert!(grown <= asked, "{additional} more keys grew {grown} bytes, {asked} were asked for");
}

#[test]
fn what_is_asked_for_in_advance_covers_many_inserts() {
    for start in [0, 4, 100] {
        for more in [1, 10, 100, 1000, 3000] {
            let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
            (0..start).for_each(|_| insert(&mut table, &mut random));
            check(&mut table, more, |table| {
                table.reserve(more);
                (0..more).for_each(|_| insert(table, &mut random));
            });
        }
    }
}

#[test]
fn what_is_asked_for_in_advance_covers_churn() {
    for len in [100, 400, 700, 800, 860] {
        let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
        (0..len).for_each(|_| insert(&mut table, &mut random));
        for _ in 0..20_000 {
            let slot = table.draw(&mut random).unwrap();
            table.remove(slot);
            check(&mut table, 1, |table| insert(table, &mut random));
        }
    }
}

#[test]
fn it_is_at_least_half_full_while_it_grows() {
    let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
    for keys in 1..100_000 {
        insert(&mut table, &mut random);
        let bytes = table.heap_bytes();
        assert!(keys < 256 || bytes <= keys * 16, "{bytes} bytes for {keys} keys");
    }
}

#[test]
fn most_keys_are_where_they_belong_however_full_it_is() {
    let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
    table.reserve(100_000);
    let keys = capacity(table.buckets.len());
    (0..keys).for_each(|_| insert(&mut table, &mut random));
    let moved = |slot: &usize| table.home(table.fingerprint(*slot)) != Table::place_of(*slot).0;
    let moved = table.slots().filter(moved).count();
    assert!(moved * 5 < keys, "{moved} of {keys} keys are elsewhere");
}

#[test]
fn every_key_is_drawn_about_as_often_as_the_others() {
    let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
    assert_eq!(table.draw(&mut random), None);
    (0..100).for_each(|_| insert(&mut table, &mut random));
    let mut drawn = BTreeMap::<usize, usize>::new();
    for _ in 0..100_000 {
        *drawn.entry(table.draw(&mut random).unwrap()).or_default() += 1;
    }
    assert_eq!(drawn.len(), 100);
    assert!(drawn.values().all(|times| (700..1300).contains(times)), "{drawn:?}");
}

/// What is done to a table. Keys are numbers, and share few fingerprints.
#[derive(Debug, Clone)]
enum Step {
    Insert(u32),
    Remove(u32),
    Reserve(usize),
    /// Goes on with the walk, by so many fingerprints.
    Walk(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u32..400).prop_map(Step::Insert),
        5 => (0_u32..400).prop_map(Step::Remove),
        1 => (0_usize..100).prop_map(Step::Reserve),
        2 => (0_usize..20).prop_map(Step::Walk),
    ]
}

proptest! {
    #[test]
    fn it_does_as_a_set_does_and_walks_miss_nothing(
        steps in proptest::collection::vec(step(), 1..400),
        // Few of them: keys share fingerprints. All of them alike: every key belongs to one bucket.
        fingerprints in prop_oneof![Just(1_u32), 1_u32..50, Just(u32::MAX)],
    ) {
        // All over the range, and at its ends.
        let of = |key: u32| Fingerprint((key % fingerprints).wrapping_mul(0x9E37_79B9).wrapping_sub(1));
        let (mut table, mut set) = (Table::default(), BTreeSet::new());
        // A walk in pieces: keys that were there at its beginning and still are must all have been seen.
        let (mut from, mut waited) = (Some(Fingerprint(0)), Vec::new());
        for step in steps {
            match step {
                Step::Insert(key) => {
                    if set.insert(key) {
                        let slot = table.insert(of(key), entry(key));
                        prop_assert_eq!(table.find(of(key), &key.to_le_bytes()), Some(slot));
                    }
                }
                Step::Remove(key) => {
                    let slot = table.find(of(key), &key.to_le_bytes());
                    prop_assert_eq!(slot.is_some(), set.remove(&key));
                    if let Some(slot) = slot {
                        let removed = table.remove(slot);
                        prop_assert_eq!(removed.borrow().key(), &key.to_le_bytes());
                    }
                    if table.is_sparse() {
                        let (before, expected) = (table.heap_bytes(), table.shrunk_bytes());
                        table.shrink();
                        prop_assert_eq!(table.heap_bytes(), expected);
                        prop_assert!(expected < before && !table.is_sparse());
                    }
                    waited.retain(|waited| *waited != key);
                }
                Step::Reserve(more) => table.reserve(more),
                Step::Walk(count) => {
                    let Some(start) = from else {
                        prop_assert_eq!(&waited, &Vec::<u32>::new());
                        from = Some(Fingerprint(0));
                        waited = set.iter().copied().collect();
                        continue;
                    };
                    let (mut last, mut seen) = (None, 0);
                    from = None;
                    for (fingerprint, slot) in table.walk(start) {
                        prop_assert!(fingerprint >= last.unwrap_or(start));
                        if last.is_some_and(|last| last < fingerprint) && seen >= count {
                            from = Some(fingerprint);
                            break;
                        }
                        let key = table.entry(slot).key();
                        waited.retain(|waited| key != waited.to_le_bytes());
                        (last, seen) = (Some(fingerprint), seen + 1);
                    }
                }
            }
            prop_assert_eq!(table.len(), set.len());
        }
        let keys = |mut slots: Vec<usize>| {
            slots.sort_unstable();
            slots
        };
        let walked = keys(table.walk(Fingerprint(0)).map(|(_, slot)| slot).collect());
        prop_assert_eq!(&walked, &keys(table.slots().collect()));
        prop_assert_eq!(walked.len(), set.len());
        for key in &set {
            prop_assert!(table.find(of(*key), &key.to_le_bytes()).is_some());
        }
        // Nothing is left of keys that have gone: a search for what is not there looks at one bucket.
        for slot in table.slots().collect::<Vec<_>>().into_iter().rev() {
            if table.buckets.len() > 1 {
                break;
            }
            table.remove(slot);
        }
        if table.len() == 0 {
            prop_assert!(table.buckets.iter().all(|bucket| !bucket.is_passed()));
        }
    }
}

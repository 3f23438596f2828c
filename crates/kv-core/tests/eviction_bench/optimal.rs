//! Exact LRU and Belady's optimum.

use crate::reference::{exact_lru_hits, optimal_hits};

/// The best of all choices, tried one by one.
fn best_hits(keys: &[u32], cached: usize, residents: &[u32]) -> usize {
    let Some((key, rest)) = keys.split_first() else {
        return 0;
    };
    if residents.contains(key) {
        return 1 + best_hits(rest, cached, residents);
    }
    let mut with = residents.to_vec();
    with.push(*key);
    if with.len() <= cached {
        return best_hits(rest, cached, &with);
    }
    let without = |out: usize| with.iter().enumerate().filter(move |(at, _)| *at != out);
    (0..residents.len())
        .map(|out| without(out).map(|(_, key)| *key).collect::<Vec<u32>>())
        .map(|left| best_hits(rest, cached, &left))
        .max()
        .unwrap_or(0)
}

#[test]
fn nothing_is_better_than_optimal() {
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let keys: Vec<u32> = (0..12).map(|_| random.u32(0..5)).collect();
        for cached in 1..4 {
            let (optimal, best) = (optimal_hits(&keys, cached), best_hits(&keys, cached, &[]));
            assert_eq!(optimal, best, "seed {seed}: {keys:?}, {cached} cached");
            assert!(exact_lru_hits(&keys, cached) <= optimal, "seed {seed}");
        }
    }
}

#[test]
fn in_a_circle_lru_never_hits_and_optimal_does() {
    let keys: Vec<u32> = (0..1000).map(|at| at % 10).collect();
    assert_eq!(exact_lru_hits(&keys, 9), 0);
    assert_eq!(exact_lru_hits(&keys, 10), 990);
    assert_eq!(optimal_hits(&keys, 10), 990);
    assert!(optimal_hits(&keys, 5) > 400);
}

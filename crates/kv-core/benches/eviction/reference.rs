//! What policies are measured against: exact LRU, and the best that can be with the future known.

use std::collections::{BinaryHeap, HashMap};

use lru::LruCache;

/// Requests of `keys` that hit in an exact LRU cache of so many keys.
pub(crate) fn exact_lru_hits(keys: &[u32], cached: usize) -> usize {
    let Ok(cached) = cached.try_into() else { return 0 };
    let mut cache = LruCache::new(cached);
    keys.iter().filter(|key| cache.put(**key, ()).is_some()).count()
}

/// Requests of `keys` that hit when the key that goes is always the one not used again for longest (Belady).
/// As in a cache, every key that comes is kept until the next does.
pub(crate) fn optimal_hits(keys: &[u32], cached: usize) -> usize {
    let mut residents: HashMap<u32, usize> = HashMap::new();
    // Of a key used since, what is in here is out of date.
    let mut by_next_use: BinaryHeap<(usize, u32)> = BinaryHeap::new();
    let mut hits = 0;
    for (key, next) in keys.iter().copied().zip(next_uses(keys)) {
        if residents.insert(key, next).is_some() {
            hits += 1;
        } else if residents.len() > cached {
            while let Some((next, last)) = by_next_use.pop() {
                if residents.get(&last) == Some(&next) && last != key {
                    residents.remove(&last);
                    break;
                }
            }
        }
        by_next_use.push((next, key));
    }
    hits
}

/// For each request, when its key is asked for next.
fn next_uses(keys: &[u32]) -> Vec<usize> {
    let mut later = HashMap::new();
    let backwards = keys.iter().enumerate().rev();
    let mut next: Vec<usize> =
        backwards.map(|(at, key)| later.insert(*key, at).unwrap_or(usize::MAX)).collect();
    next.reverse();
    next
}

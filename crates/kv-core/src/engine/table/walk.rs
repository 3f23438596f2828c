//! Walking through a table in the order of fingerprints.

#![expect(clippy::indexing_slicing, reason = "indices come from the table")]

use super::Table;
use crate::eviction::Fingerprint;

/// The keys of a table in the order of their fingerprints, which does not depend on the table's size: a walk that
/// goes on later from a fingerprint misses no key that was there all the time, whatever has come and gone.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    table: &'a Table,
    from: Fingerprint,
    /// The next bucket.
    bucket: usize,
    /// The keys that belong to the bucket before and are still to come, the last one first.
    keys: Vec<(Fingerprint, usize)>,
}

impl<'a> Walk<'a> {
    /// Keys with this fingerprint or a greater one.
    pub(super) fn new(table: &'a Table, from: Fingerprint) -> Self {
        let bucket = if table.buckets.is_empty() { 0 } else { table.home(from) };
        Self { table, from, bucket, keys: Vec::new() }
    }

    /// Finds the keys that belong to the next bucket, wherever they are.
    fn gather(&mut self) {
        let Self { table, from, bucket: home, .. } = *self;
        for index in table.probe(home) {
            let bucket = &table.buckets[index];
            for place in bucket.places() {
                let fingerprint = bucket.fingerprint(place);
                if fingerprint >= from && table.home(fingerprint) == home {
                    self.keys.push((fingerprint, Table::slot(index, place)));
                }
            }
            if !bucket.is_passed() {
                break;
            }
        }
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        self.bucket += 1;
    }
}

impl Iterator for Walk<'_> {
    /// A fingerprint, and the slot of a key that has it.
    type Item = (Fingerprint, usize);

    fn next(&mut self) -> Option<Self::Item> {
        while self.keys.is_empty() && self.bucket < self.table.buckets.len() {
            self.gather();
        }
        self.keys.pop()
    }
}

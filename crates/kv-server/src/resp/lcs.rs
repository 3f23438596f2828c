//! The longest common subsequence of two values, found by the table of all their prefixes.
//!
//! Of the table's numbers only a row is kept. What leads back from a place, and so which of several longest
//! subsequences is found, takes a bit: as many bytes as Redis needs for the same, divided by 32.

use std::ops::RangeInclusive;

/// Bits of a word.
const WORD: usize = u64::BITS as usize;

/// A part that two values have in common: where it is in each.
pub(crate) type Match = (RangeInclusive<usize>, RangeInclusive<usize>);

/// What two values have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Common {
    pub(crate) bytes: Vec<u8>,
    /// Its parts, the last one first.
    pub(crate) matches: Vec<Match>,
}

/// Places in the table of two values: what time and memory are in proportion to.
pub(crate) fn places(a: &[u8], b: &[u8]) -> usize {
    (a.len() + 1).saturating_mul(b.len() + 1)
}

/// How long the longest common subsequence is.
pub(crate) fn length(a: &[u8], b: &[u8]) -> usize {
    fill(a, b, |_word| {})
}

/// The longest common subsequence: of several, the one that Redis finds.
pub(crate) fn common(a: &[u8], b: &[u8]) -> Common {
    let mut upwards = Vec::with_capacity(a.len().saturating_mul(b.len().div_ceil(WORD)));
    let length = fill(a, b, |word| upwards.push(word));
    let back = Back { upwards, row_words: b.len().div_ceil(WORD) };
    let mut common = Common { bytes: Vec::with_capacity(length), matches: Vec::new() };
    let (mut i, mut j) = (a.len(), b.len());
    let mut open: Option<Match> = None;
    while i > 0
        && j > 0
        && let (Some(x), Some(y)) = (a.get(i - 1), b.get(j - 1))
    {
        if x == y {
            common.bytes.push(*x);
            (i, j) = (i - 1, j - 1);
            open = match open {
                Some((in_a, in_b)) => Some((i..=*in_a.end(), j..=*in_b.end())),
                None => Some((i..=i, j..=j)),
            };
            continue;
        }
        common.matches.extend(open.take());
        if back.is_upwards(i, j) {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    common.matches.extend(open);
    common.bytes.reverse();
    common
}

/// Fills the table row by row and tells its last number. `upwards` is shown a word for every 64 places: which
/// of them lead to the row before, where the values differ.
fn fill(a: &[u8], b: &[u8], mut upwards: impl FnMut(u64)) -> usize {
    let mut row = vec![0_u32; b.len()];
    for x in a {
        let (mut diagonal, mut left) = (0, 0);
        for (places, bytes) in row.chunks_mut(WORD).zip(b.chunks(WORD)) {
            let mut word = 0;
            for (bit, (place, y)) in places.iter_mut().zip(bytes).enumerate() {
                let above = *place;
                if x == y {
                    left = diagonal + 1;
                } else {
                    word |= u64::from(above > left) << bit;
                    left = left.max(above);
                }
                (diagonal, *place) = (above, left);
            }
            upwards(word);
        }
    }
    row.last().map_or(0, |length| *length as usize)
}

/// The way back through the table.
struct Back {
    upwards: Vec<u64>,
    row_words: usize,
}

impl Back {
    /// Whether it leads from here to the row before, and not to the place before.
    fn is_upwards(&self, i: usize, j: usize) -> bool {
        let word = self.upwards.get((i - 1) * self.row_words + (j - 1) / WORD);
        word.is_some_and(|word| word >> ((j - 1) % WORD) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, as in a textbook, and Redis's way back through it.
    fn plain(a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] = if a[i - 1] == b[j - 1] {
                    table[i - 1][j - 1] + 1
                } else {
                    std::cmp::max::<usize>(table[i - 1][j], table[i][j - 1])
                };
            }
        }
        let (mut i, mut j, mut found) = (a.len(), b.len(), Vec::new());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                found.insert(0, a[i - 1]);
                (i, j) = (i - 1, j - 1);
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        found
    }

    #[test]
    fn it_is_what_the_whole_table_gives_and_its_parts_are_in_both() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            let mut value = || {
                let letters = random.u8(1..6);
                let len = random.choice([0, 1, 20, 64, 65, 130]).unwrap_or(0);
                (0..random.usize(..=len)).map(|_| random.u8(..letters)).collect::<Vec<u8>>()
            };
            let (a, b) = (value(), value());
            let common = common(&a, &b);
            assert_eq!(common.bytes, plain(&a, &b), "{a:?} {b:?}");
            assert_eq!(length(&a, &b), common.bytes.len());
            let parts = |of: &[u8], part: fn(&Match) -> &RangeInclusive<usize>| {
                let parts = common.matches.iter().rev();
                parts.flat_map(|found| of[part(found).clone()].to_vec()).collect::<Vec<u8>>()
            };
            assert_eq!(parts(&a, |found| &found.0), common.bytes);
            assert_eq!(parts(&b, |found| &found.1), common.bytes);
        }
    }

    #[test]
    fn the_example_of_redis_holds() {
        let common = common(b"ohmytext", b"mynewtext");
        assert_eq!(common.bytes, b"mytext");
        assert_eq!(common.matches, [(4..=7, 5..=8), (2..=3, 0..=1)]);
    }
}

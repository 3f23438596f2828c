//! The items of the wheel that have come up, on their way to be looked at.

use crate::eviction::Fingerprint;

/// Items of the wheel that are taken before the first of them is looked at, so that the processor fetches what that
/// takes while it works on others: first their buckets, and half the way along their entries.
const COMING_MAX: usize = 16;

/// Items on that way, in the order in which they were taken.
#[derive(Debug, Default)]
pub(super) struct Coming {
    keys: [Fingerprint; COMING_MAX],
    /// How many have ever been added, and taken.
    added: usize,
    taken: usize,
}

impl Coming {
    const HALF: usize = COMING_MAX / 2;

    fn at(&self, number: usize) -> Option<Fingerprint> {
        self.keys.get(number % COMING_MAX).copied()
    }

    /// Whether the first one must be taken before another is added.
    pub(super) fn is_full(&self) -> bool {
        self.added - self.taken == COMING_MAX
    }

    /// Adds one where there is room, and tells which has come half the way.
    pub(super) fn add(&mut self, fingerprint: Fingerprint) -> Option<Fingerprint> {
        if let Some(place) = self.keys.get_mut(self.added % COMING_MAX) {
            *place = fingerprint;
        }
        self.added += 1;
        self.at(self.added.checked_sub(Self::HALF)?)
    }

    /// Those that have not come half the way.
    pub(super) fn unseen(&self) -> impl Iterator<Item = Fingerprint> {
        let first = (self.added + 1).saturating_sub(Self::HALF).max(self.taken);
        (first..self.added).filter_map(|number| self.at(number))
    }

    /// Takes the first one out.
    pub(super) fn take(&mut self) -> Option<Fingerprint> {
        let first = (self.taken < self.added).then(|| self.at(self.taken))?;
        self.taken += 1;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends so many through, and tells in which order they came half the way and to the end.
    fn run(count: u32) -> (Vec<u32>, Vec<u32>) {
        let (mut coming, mut half, mut whole) = (Coming::default(), Vec::new(), Vec::new());
        for number in 0..count {
            half.extend(coming.add(Fingerprint(number)).map(|soon| soon.0));
            if coming.is_full() {
                whole.extend(coming.take().map(|first| first.0));
            }
        }
        half.extend(coming.unseen().map(|soon| soon.0));
        whole.extend(std::iter::from_fn(|| coming.take()).map(|first| first.0));
        (half, whole)
    }

    #[test]
    fn each_comes_half_the_way_and_to_the_end_once_and_in_order() {
        for count in (0..40).chain([1000]) {
            let all: Vec<u32> = (0..count).collect();
            assert_eq!(run(count), (all.clone(), all), "{count}");
        }
    }
}

//! How large the window is: found by trying.
//!
//! Each epoch's hit ratio is compared with the one before. Where it rose, the window goes on growing or
//! shrinking as it did; where it fell, it turns back. What may be chance decides nothing, and the window
//! shrinks: the counts do without it where they can. Steps become shorter the longer nothing happens, and
//! long again when the load changes. Source: Einziger, Eytan, Friedman, Manes, "Adaptive Software Cache
//! Management", Middleware 2018 (hill climbing).

/// Parts of all keys that the window has at least and at most. It starts with the least.
const PART_MIN: f64 = 0.01;
const PART_MAX: f64 = 0.8;

/// The first step.
const STEP: f64 = 0.0625;

/// What is left of a step in the next epoch.
const STEP_DECAY: f64 = 0.98;

/// A change of the hit ratio that says that the load has changed.
const RATIO_CHANGED: f64 = 0.05;

/// The search for the best window.
#[derive(Debug)]
pub(super) struct Climber {
    part: f64,
    /// By how much the window changes next; below 0 it shrinks.
    step: f64,
    /// Of the epoch before.
    ratio: Option<f64>,
}

impl Default for Climber {
    fn default() -> Self {
        Self { part: PART_MIN, step: STEP, ratio: None }
    }
}

impl Climber {
    /// Keys in the window, of so many in all.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a count, to within a key or so"
    )]
    pub(super) fn window(&self, keys: usize) -> usize {
        ((keys as f64 * self.part) as usize).max(1)
    }

    /// An epoch has ended with so many hits among its accesses.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    pub(super) fn climb(&mut self, hits: u64, accesses: u64) {
        let (ratio, accesses) = (hits as f64 / accesses as f64, accesses as f64);
        if let Some(before) = self.ratio.replace(ratio) {
            let change = ratio - before;
            // The standard deviation of a difference of two ratios.
            let deviation = (2.0 * ratio * (1.0 - ratio) / accesses).sqrt();
            let length =
                if change.abs() >= RATIO_CHANGED { STEP } else { self.step.abs() * STEP_DECAY };
            let may_be_chance = change.abs() <= deviation;
            let direction = if may_be_chance { -1.0 } else { change.signum() * self.step.signum() };
            self.step = direction * length;
        }
        self.part = (self.part + self.step).clamp(PART_MIN, PART_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESSES: u32 = 1_000_000;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "hits of a million"
    )]
    fn climb(climber: &mut Climber, ratio: f64) {
        climber.climb((ratio * f64::from(ACCESSES)) as u64, ACCESSES.into());
    }

    /// Where the search ends up when hit ratios depend on the window so.
    fn found(climber: &mut Climber, ratio_of: impl Fn(f64) -> f64) -> f64 {
        (0..200).for_each(|_| climb(climber, ratio_of(climber.part)));
        climber.part
    }

    #[test]
    fn the_best_window_is_found_and_found_again() {
        let mut climber = Climber::default();
        for best in [0.3, 0.7, 0.05, 0.5] {
            let part = found(&mut climber, |part| 0.9 - (part - best).abs() / 2.0);
            assert!((part - best).abs() < 0.1, "{part} is far from {best}");
            // Another load: the ratio jumps, and steps are long again.
            climb(&mut climber, 0.1);
        }
        assert!(found(&mut climber, |part| part / 2.0) > 0.7, "as much as may be");
    }

    #[test]
    fn a_window_that_changes_nothing_is_small() {
        let mut climber = Climber::default();
        let part = found(&mut climber, |part| part);
        assert!(part > 0.3, "it pays, and only {part} are taken");
        let random = std::cell::RefCell::new(fastrand::Rng::with_seed(1));
        let part = found(&mut climber, |_| 0.5 + random.borrow_mut().f64() / 10_000.0);
        assert!(part < 0.05, "{part} are wasted");
    }

    #[test]
    fn a_window_is_never_without_a_key() {
        let climber = Climber::default();
        assert_eq!([0, 1, 99, 100, 1000].map(|keys| climber.window(keys)), [1, 1, 1, 1, 10]);
    }
}

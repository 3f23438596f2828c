//! Whether keys that come back soon after their eviction are worth a place in the main queue at once.
//!
//! S3-FIFO says yes, always. Where the popular keys change, or keys come in a circle, that is what makes it
//! quick. Where they do not, most of those keys are the tail of the distribution, met twice by chance, and
//! each pushes a better one out. So the outcome decides: as long as the keys let in this way prove useful,
//! all are; else only one in [`TRIAL_EVERY`], to notice when it changes.

/// Keys let in on trial while the verdict is against them: one in so many.
const TRIAL_EVERY: u32 = 32;

/// How far the score goes to either side: the memory of about as many outcomes.
const SCORE_MAX: i32 = 64;

/// What a key unused in the main queue costs. A use there, or in the small queue, gains one.
const UNUSED_COST: i32 = 2;

/// The running verdict.
#[derive(Debug, Default)]
pub(super) struct Trial {
    score: i32,
    refused: u32,
}

impl Trial {
    /// Tells whether a key that has come back goes to the main queue at once.
    pub(super) fn admits(&mut self) -> bool {
        if self.score >= 0 {
            return true;
        }
        self.refused = (self.refused + 1) % TRIAL_EVERY;
        self.refused == 0
    }

    /// A key that has come back was used again, or not.
    pub(super) fn record(&mut self, used: bool) {
        let change = if used { 1 } else { -UNUSED_COST };
        self.score = (self.score + change).clamp(-SCORE_MAX, SCORE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_let_in_while_that_pays_and_now_and_then_to_see_whether_it_does() {
        let mut trial = Trial::default();
        assert!(trial.admits(), "nothing speaks against them yet");
        (0..1000).for_each(|_| trial.record(false));
        let admitted = (0..TRIAL_EVERY * 10).filter(|_| trial.admits()).count();
        assert_eq!(admitted, 10);
        let outcomes = (1..1000).find(|_| {
            trial.record(true);
            trial.score >= 0
        });
        assert_eq!(
            outcomes,
            Some(64),
            "the past counts for {SCORE_MAX} outcomes, however long it was"
        );
        assert!((0..100).all(|_| trial.admits()));
    }
}

//! Draws ranks of a Zipf distribution: rank `k` comes up with probability proportional to `1 / k^s`.
//!
//! Rejection-inversion (Hörmann and Derflinger 1996): no table, so that a billion keys cost as much as ten,
//! and less than two attempts per rank on average, whatever `s` is.

/// The distribution of ranks 1 to `ranks`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zipf {
    ranks: f64,
    exponent: f64,
    /// The area under the hat's first column, and under all columns up to the last.
    area_first: f64,
    area_last: f64,
    /// Points this close below a rank are accepted without a look at the curve.
    squeeze: f64,
}

impl Zipf {
    /// `ranks` is at least 1, `exponent` above 0.
    pub(super) fn new(ranks: u32, exponent: f64) -> Self {
        let ranks = f64::from(ranks.max(1));
        let mut zipf = Self { ranks, exponent, area_first: 0.0, area_last: 0.0, squeeze: 0.0 };
        zipf.area_first = zipf.area(1.5) - 1.0;
        zipf.area_last = zipf.area(ranks + 0.5);
        zipf.squeeze = 2.0 - zipf.area_inverse(zipf.area(2.5) - zipf.height(2.0));
        zipf
    }

    /// A rank: 1 is the most frequent one.
    pub(super) fn draw(&self, random: &mut fastrand::Rng) -> u32 {
        loop {
            let area = self.area_last + random.f64() * (self.area_first - self.area_last);
            let point = self.area_inverse(area);
            let rank = point.round().clamp(1.0, self.ranks);
            if rank - point <= self.squeeze || area >= self.area(rank + 0.5) - self.height(rank) {
                return whole(rank);
            }
        }
    }

    /// `1 / x^s`
    fn height(&self, x: f64) -> f64 {
        (-self.exponent * x.ln()).exp()
    }

    /// The area under [`height`](Self::height) up to `x`, but for a constant. The form holds at `s = 1` too.
    fn area(&self, x: f64) -> f64 {
        let log = x.ln();
        expm1_over((1.0 - self.exponent) * log) * log
    }

    fn area_inverse(&self, area: f64) -> f64 {
        // Rounding may take it past -1, where there is no logarithm.
        let scaled = (area * (1.0 - self.exponent)).max(-1.0);
        (ln_1p_over(scaled) * area).exp()
    }
}

/// A rank as a whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1 and a u32, and rounded"
)]
fn whole(rank: f64) -> u32 {
    rank as u32
}

/// `(e^x - 1) / x`, also near 0.
fn expm1_over(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.exp_m1() / x } else { 1.0 + x / 2.0 * (1.0 + x / 3.0) }
}

/// `ln(1 + x) / x`, also near 0.
fn ln_1p_over(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.ln_1p() / x } else { 1.0 - x * (0.5 - x / 3.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 400_000;

    fn counts(ranks: u32, exponent: f64) -> Vec<u32> {
        let zipf = Zipf::new(ranks, exponent);
        let mut random = fastrand::Rng::with_seed(7);
        let mut counts = vec![0; usize::try_from(ranks).unwrap()];
        for _ in 0..DRAWS {
            counts[usize::try_from(zipf.draw(&mut random)).unwrap() - 1] += 1;
        }
        counts
    }

    /// Chi-squared against the definition. With `ranks - 1` degrees of freedom its mean is that, and its
    /// deviation the root of twice that; six of them are never passed by chance.
    fn check(ranks: u32, exponent: f64) {
        let weight = |rank: u32| f64::from(rank).powf(-exponent);
        let sum: f64 = (1..=ranks).map(weight).sum();
        let distance = |(rank, count): (u32, u32)| {
            let expected = f64::from(DRAWS) * weight(rank) / sum;
            (f64::from(count) - expected).powi(2) / expected
        };
        let distance: f64 = (1..=ranks).zip(counts(ranks, exponent)).map(distance).sum();
        let freedom = f64::from(ranks - 1);
        assert!(
            distance < freedom + 6.0 * (2.0 * freedom).sqrt(),
            "{ranks} ranks, exponent {exponent}: chi-squared {distance}"
        );
    }

    #[test]
    fn ranks_come_up_as_often_as_the_definition_says() {
        for exponent in [0.1, 0.5, 0.99, 1.0, 1.01, 1.4, 2.0] {
            for ranks in [2, 10, 1000] {
                check(ranks, exponent);
            }
        }
    }

    #[test]
    fn a_wrong_distribution_would_be_noticed() {
        let wrong = std::panic::catch_unwind(|| {
            let (counted, other) = (counts(10, 1.0), counts(10, 1.05));
            let differ =
                |(a, b): (&u32, &u32)| (f64::from(*a) - f64::from(*b)).powi(2) / f64::from(*a);
            counted.iter().zip(&other).map(differ).sum::<f64>()
        });
        assert!(wrong.unwrap() > 9.0 + 6.0 * 18_f64.sqrt());
    }

    #[test]
    fn the_ends_are_safe() {
        let mut random = fastrand::Rng::with_seed(1);
        for exponent in [0.01, 1.0, 10.0] {
            for ranks in [1, 2, 1_000_000_000] {
                let zipf = Zipf::new(ranks, exponent);
                assert!((0..10_000).all(|_| (1..=ranks).contains(&zipf.draw(&mut random))));
            }
        }
    }
}

//! One figure, measured several times.

use serde::{Deserialize, Serialize};

/// What all rounds of a measurement gave, in the order they came. Everything else is worked out from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figure(Vec<f64>);

impl Figure {
    /// Adds a measurement.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Every round, in order.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The one in the middle, the higher of two; NaN when nothing was measured. Sorts a copy.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least of all rounds; NaN when nothing was measured.
    pub fn low(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    /// The most of all rounds; NaN when nothing was measured.
    pub fn high(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// Every value in another unit: `factor` of it make one of the old.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        self.0.iter().map(|value| value * factor).collect()
    }

    /// Median and range in `unit`s of so much, with so many decimals: `25 (22–30)`. The median alone when
    /// there was one round.
    pub fn text(&self, unit: f64, decimals: usize) -> String {
        let show = |value: f64| format!("{:.decimals$}", value / unit);
        if self.0.len() == 1 {
            return show(self.median());
        }
        format!("{} ({}–{})", show(self.median()), show(self.low()), show(self.high()))
    }

    /// Operations a second, in thousands.
    pub fn rate(&self) -> String {
        format!("{} k/s", self.text(1e3, 0))
    }

    /// Seconds, as milliseconds.
    pub fn millis(&self) -> String {
        format!("{} ms", self.text(1e-3, 2))
    }
}

impl FromIterator<f64> for Figure {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self(vec![value])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], text: &str) {
        let figure: Figure = values.iter().copied().collect();
        assert_eq!(figure.text(1.0, 1), text);
        assert_eq!(figure.values(), values, "rounds keep their order");
    }

    #[test]
    fn median_and_range_do_not_depend_on_the_order() {
        check(&[3.0, 1.0, 2.0], "2.0 (1.0–3.0)");
        check(&[1.0, 2.0, 3.0], "2.0 (1.0–3.0)");
        check(&[4.0, 1.0], "4.0 (1.0–4.0)");
        check(&[7.0], "7.0");
        check(&[], "NaN (NaN–NaN)");
    }

    #[test]
    fn units_are_converted() {
        let figure: Figure = [0.001, 0.003, 0.002].into_iter().collect();
        assert_eq!(figure.millis(), "2.00 (1.00–3.00) ms");
        assert_eq!(Figure::from(25_400.0).rate(), "25 k/s");
        assert_eq!(Figure::from(0.5).times(1e3), Figure::from(500.0));
    }
}

//! A row of a table, as the program that measured it knows it.

use serde::{Deserialize, Serialize};

use crate::Figure;

/// What was measured, beside what, and what it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The part of the benchmark.
    pub section: String,
    /// Unique within the section, and the same in every form: figures of different days are found by it.
    pub name: String,
    /// Of all values, `ops/s` for instance.
    pub unit: String,
    /// Which values are the good ones.
    pub better: Better,
    /// Every round of this project's.
    pub ours: Figure,
    /// The other side, measured in turns with ours.
    pub peer: Option<Peer>,
    /// What the section wants.
    pub target: Option<Target>,
    /// What of it may be compared with another day's, on another machine.
    pub compare: Compare,
}

/// What ours is measured against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// `Redis`, or the same server in another state, such as `quiet`.
    pub name: String,
    /// Every round of it.
    pub values: Figure,
}

/// The good direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Rates, shares of hits.
    Higher,
    /// Times, bytes.
    Lower,
}

/// What a row should reach, in its good direction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Of ours to the peer's median.
    Ratio(f64),
    /// Of ours, in the row's unit.
    Value(f64),
}

/// What of a row means the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// Ours to the peer's: both met the same machine in the same minute.
    Ratio,
    /// The value itself: bytes, shares of hits.
    Value,
    /// Neither: it depends on the machine or on chance.
    Nothing,
}

impl Measured {
    /// A row whose higher values are better.
    pub fn higher(section: &str, name: impl Into<String>, unit: &str, ours: &Figure) -> Self {
        Self::new(section, name.into(), (unit, Better::Higher), ours)
    }

    /// A row whose lower values are better.
    pub fn lower(section: &str, name: impl Into<String>, unit: &str, ours: &Figure) -> Self {
        Self::new(section, name.into(), (unit, Better::Lower), ours)
    }

    fn new(section: &str, name: String, (unit, better): (&str, Better), ours: &Figure) -> Self {
        Self {
            section: section.to_owned(),
            name,
            unit: unit.to_owned(),
            better,
            ours: ours.clone(),
            peer: None,
            target: None,
            compare: Compare::Nothing,
        }
    }

    /// With what was measured in turns with it, if it was there.
    #[must_use]
    pub fn beside(mut self, name: &str, values: Option<&Figure>) -> Self {
        self.peer = values.map(|values| Peer { name: name.to_owned(), values: values.clone() });
        self
    }

    /// With what is wanted of it.
    #[must_use]
    pub fn target(mut self, target: Option<Target>) -> Self {
        self.target = target;
        self
    }

    /// With what may be compared.
    #[must_use]
    pub fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// Ours to the peer's, by their medians.
    pub fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|peer| self.ours.median() / peer.values.median())
    }

    /// Whether the target is met; `None` without a target, and without the peer that it takes.
    pub fn is_met(&self) -> Option<bool> {
        match self.target? {
            Target::Ratio(bound) => self.ratio().map(|ratio| self.better.reaches(ratio, bound)),
            Target::Value(bound) => Some(self.better.reaches(self.ours.median(), bound)),
        }
    }
}

impl Better {
    /// Whether `value` is at least as good as `bound`.
    pub fn reaches(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Higher => value >= bound,
            Self::Lower => value <= bound,
        }
    }

    /// How a bound in this direction is written before its figure.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Higher => "≥",
            Self::Lower => "≤",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &Measured, ratio: Option<f64>, is_met: Option<bool>) {
        assert_eq!((row.ratio(), row.is_met()), (ratio, is_met), "{row:?}");
    }

    #[test]
    fn targets_follow_the_good_direction() {
        let (one, two) = (Figure::from(1.0), Figure::from(2.0));
        let rate = Measured::higher("s", "rate", "ops/s", &two).beside("Redis", Some(&one));
        check(&rate, Some(2.0), None);
        check(&rate.clone().target(Some(Target::Ratio(2.0))), Some(2.0), Some(true));
        check(&rate.clone().target(Some(Target::Ratio(2.1))), Some(2.0), Some(false));
        check(&rate.target(Some(Target::Value(2.1))), Some(2.0), Some(false));
        let time = Measured::lower("s", "time", "s", &one).beside("Redis", Some(&two));
        check(&time.clone().target(Some(Target::Ratio(0.5))), Some(0.5), Some(true));
        check(&time.target(Some(Target::Value(0.9))), Some(0.5), Some(false));
    }

    #[test]
    fn without_the_peer_a_ratio_is_not_judged() {
        let alone =
            Measured::higher("s", "rate", "ops/s", &Figure::from(2.0)).beside("Redis", None);
        check(&alone.target(Some(Target::Ratio(1.0))), None, None);
    }
}

//! How the steps of `ci` ended, as a table.

use std::fmt;
use std::time::Duration;

/// A step and its ending.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) step: &'static str,
    pub(super) ending: Ending,
}

/// How a step ended, and after how long.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

impl Ending {
    fn duration(self) -> Duration {
        match self {
            Self::Passed(duration) | Self::Failed(duration) => duration,
            Self::NotRun => Duration::ZERO,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Passed(_) => "passed",
            Self::Failed(_) => "FAILED",
            Self::NotRun => return formatter.write_str("not run"),
        };
        write!(formatter, "{word} {:>8.1} s", self.duration().as_secs_f64())
    }
}

/// One line per step, and the sum.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let total: Duration = outcomes.iter().map(|outcome| outcome.ending.duration()).sum();
    let mut lines: Vec<String> =
        outcomes.iter().map(|outcome| format!("{:<8} {}", outcome.step, outcome.ending)).collect();
    lines.push(format!("{:<8} {:>15.1} s", "total", total.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_line_and_the_durations_add_up() {
        let outcomes = [
            Outcome { step: "fmt", ending: Ending::Passed(Duration::from_millis(600)) },
            Outcome { step: "clippy", ending: Ending::Failed(Duration::from_millis(61_400)) },
            Outcome { step: "test", ending: Ending::NotRun },
        ];
        let expected = [
            "fmt      passed      0.6 s",
            "clippy   FAILED     61.4 s",
            "test     not run",
            "total               62.0 s",
        ];
        assert_eq!(table(&outcomes).lines().collect::<Vec<_>>(), expected);
    }
}

//! What came of each client, as a table, and of all of them.

use std::time::Duration;

use anyhow::Result;

/// A client, what of it was tried, and how that ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) client: &'static str,
    /// The software with its version, once for each way it was used.
    pub(super) versions: Vec<String>,
    pub(super) ending: Ending,
    pub(super) duration: Duration,
}

/// How the checks of a client ended.
#[derive(Debug)]
pub(super) enum Ending {
    Passed,
    /// Why the software could not be had here.
    Skipped(String),
    Failed(anyhow::Error),
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped(_) => "SKIPPED",
            Self::Failed(_) => "FAILED",
        }
    }

    /// The ending with its reason.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Passed => self.word().to_owned(),
            Self::Skipped(reason) => format!("{}: {reason}", self.word()),
            Self::Failed(error) => format!("{}: {error:#}", self.word()),
        }
    }
}

/// One line per version tried; `SKIPPED name: reason` for each client that was not.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let mut lines = Vec::new();
    for Outcome { client, versions, ending, duration } in outcomes {
        if let Ending::Skipped(reason) = ending {
            lines.push(format!("SKIPPED {client}: {reason}"));
            continue;
        }
        let seconds = duration.as_secs_f64();
        let start = format!("{:<7} {client:<16} {seconds:>6.1} s", ending.word());
        let mut versions = versions.iter();
        lines.push(format!("{start}  {}", versions.next().map_or("", String::as_str)));
        lines.extend(
            versions.map(|version| format!("{:width$}  {version}", "", width = start.len())),
        );
    }
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    trimmed.join("\n")
}

/// Fails when a client has failed; with `no_skip` when one was skipped, too.
pub(super) fn judge(outcomes: &[Outcome], no_skip: bool) -> Result<()> {
    let is_bad = |outcome: &&Outcome| match outcome.ending {
        Ending::Passed => false,
        Ending::Skipped(_) => no_skip,
        Ending::Failed(_) => true,
    };
    let bad: Vec<&str> = outcomes.iter().filter(is_bad).map(|outcome| outcome.client).collect();
    anyhow::ensure!(
        bad.is_empty(),
        "not every client is served\n  to run those alone: cargo xtask clients {}",
        bad.join(" ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> [Outcome; 3] {
        let outcome = |client, versions: &[&str], ending| Outcome {
            client,
            versions: versions.iter().map(|&version| version.to_owned()).collect(),
            ending,
            duration: Duration::from_millis(12_340),
        };
        [
            outcome("redis-py", &["redis-py 8 (RESP3)", "redis-py 8 (RESP2)"], Ending::Passed),
            outcome("ioredis", &[], Ending::Skipped("node is not installed".to_owned())),
            outcome("fred", &[], Ending::Failed(anyhow::anyhow!("1 of 2 checks"))),
        ]
    }

    #[test]
    fn the_table_tells_versions_and_reasons() {
        let expected = [
            "passed  redis-py           12.3 s  redis-py 8 (RESP3)",
            "                                   redis-py 8 (RESP2)",
            "SKIPPED ioredis: node is not installed",
            "FAILED  fred               12.3 s",
        ];
        assert_eq!(table(&outcomes()).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn skipping_is_a_failure_only_where_it_was_forbidden() {
        let [passed, skipped, failed] = outcomes();
        assert!(judge(&[passed], true).is_ok());
        assert!(judge(std::slice::from_ref(&skipped), false).is_ok());
        assert!(judge(&[skipped], true).unwrap_err().to_string().ends_with("clients ioredis"));
        assert!(judge(&[failed], false).unwrap_err().to_string().ends_with("clients fred"));
    }
}

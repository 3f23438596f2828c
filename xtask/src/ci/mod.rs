//! `cargo xtask ci`: the whole check. It reads and never writes, and it is the same everywhere.
//!
//! This file owns choosing and running steps; `steps` says what they are, `summary` how they ended.

mod steps;
mod summary;

use std::path::Path;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use crate::repository;
use crate::timed::timed;
use steps::{DEEP_STEPS, STEPS, Step};
use summary::{Ending, Outcome};

/// What `cargo xtask ci` accepts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run this step alone; may be given several times
    #[arg(long, value_name = "STEP", value_parser = step_names())]
    only: Vec<String>,
    /// Run what takes long too: sanitizers, fuzzing, and the long forms of other steps
    #[arg(long, conflicts_with = "only")]
    deep: bool,
    /// Name the steps with their commands, and run none
    #[arg(long)]
    list: bool,
}

fn step_names() -> PossibleValuesParser {
    PossibleValuesParser::new(all_steps().map(|step| step.name))
}

/// Runs the steps in order, until one fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let steps = chosen(options);
    if options.list {
        list(&steps);
        return Ok(());
    }
    ensure_lock_file(root)?;
    let (outcomes, result) = run_until_failure(root, &steps);
    println!("\n{}", summary::table(&outcomes));
    result
}

/// Every step that there is, in order.
fn all_steps() -> impl Iterator<Item = &'static Step> {
    STEPS.iter().chain(&DEEP_STEPS)
}

/// The steps named, or all, in the order of [`STEPS`]; what takes long only when it is asked for.
fn chosen(options: &Options) -> Vec<&'static Step> {
    if options.only.is_empty() {
        let count = if options.deep { STEPS.len() + DEEP_STEPS.len() } else { STEPS.len() };
        return all_steps().take(count).collect();
    }
    all_steps().filter(|step| options.only.iter().any(|name| name == step.name)).collect()
}

fn list(steps: &[&Step]) {
    for step in steps {
        println!("{:<8} {}\n         $ {}", step.name, step.claim, step.command);
    }
}

/// Without the lock file in the repository, two machines would check two different programs.
fn ensure_lock_file(root: &Path) -> Result<()> {
    anyhow::ensure!(
        repository::files(root)?.iter().any(|file| file == "Cargo.lock"),
        "Cargo.lock is missing or ignored by git: run `cargo check` and commit it"
    );
    Ok(())
}

/// How each step ended, and the first failure; what comes after it is not run.
fn run_until_failure(root: &Path, steps: &[&Step]) -> (Vec<Outcome>, Result<()>) {
    let mut outcomes = Vec::new();
    let mut result = Ok(());
    for (index, step) in steps.iter().enumerate() {
        let mut ending = Ending::NotRun;
        if result.is_ok() {
            println!("\n== {}/{} {}: {}", index + 1, steps.len(), step.name, step.claim);
            (ending, result) = run_step(root, step);
            println!("== {} {ending}", step.name);
        }
        outcomes.push(Outcome { step: step.name, ending });
    }
    (outcomes, result)
}

fn run_step(root: &Path, step: &Step) -> (Ending, Result<()>) {
    let (result, duration) = timed(|| step.run(root));
    match result {
        Ok(()) => (Ending::Passed(duration), Ok(())),
        Err(error) => (Ending::Failed(duration), Err(error.context(advice(step)))),
    }
}

/// What to tell the one whose step failed.
fn advice(step: &Step) -> String {
    format!(
        "step `{}` failed\n  to run it alone: cargo xtask ci --only {}\n  which stands for: {}",
        step.name, step.name, step.command
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], deep: bool) -> Vec<&'static str> {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        let options = Options { only, deep, list: false };
        chosen(&options).iter().map(|step| step.name).collect()
    }

    #[test]
    fn steps_are_chosen_by_name_and_keep_their_order() {
        assert_eq!(names(&[], false), STEPS.map(|step| step.name));
        assert_eq!(names(&["tidy"], false), ["tidy"]);
        assert_eq!(names(&["asan", "deny", "fmt"], false), ["fmt", "deny", "asan"]);
    }

    #[test]
    fn what_takes_long_comes_last_and_only_when_asked_for() {
        let deep = names(&[], true);
        assert_eq!(deep[STEPS.len()..], DEEP_STEPS.map(|step| step.name));
        assert_eq!(deep.len(), STEPS.len() + DEEP_STEPS.len());
        let distinct = deep.iter().collect::<std::collections::HashSet<_>>();
        assert_eq!(distinct.len(), deep.len(), "a name means one step");
    }

    fn step(name: &'static str, check: fn(&Path) -> Result<()>) -> Step {
        Step { name, claim: "", command: "", check: Some(check) }
    }

    #[test]
    fn nothing_runs_after_a_failure() {
        let passes = step("passes", |_| Ok(()));
        let fails = step("fails", |_| anyhow::bail!("a reason"));
        let never = step("never", |_| panic!("a step ran after a failure"));

        let (outcomes, result) = run_until_failure(Path::new("."), &[&passes, &fails, &never]);

        let error = result.unwrap_err();
        assert!(error.to_string().contains("cargo xtask ci --only fails"), "{error}");
        assert_eq!(error.root_cause().to_string(), "a reason");
        assert!(matches!(outcomes[0].ending, Ending::Passed(_)));
        assert!(matches!(outcomes[1].ending, Ending::Failed(_)));
        assert!(matches!(outcomes[2].ending, Ending::NotRun));
    }
}

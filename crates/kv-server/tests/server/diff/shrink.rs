//! Makes a session that ends in a mismatch as short as can be done in little time.

use super::report::Report;
use super::run::{Mismatch, Pair};
use super::step::Step;

/// Most sessions to try.
const TRIES_MAX: usize = 600;

/// Reports a mismatch that came in a session which began at `seed`.
pub(super) fn shrink(pair: &Pair, steps: Vec<Step>, mismatch: Mismatch, seed: u64) -> Report {
    let until = steps.iter().take(mismatch.step + 1).cloned().collect();
    let mut search = Search { pair, tries: 0, best: steps, mismatch: None };
    search.try_instead(until);
    search.try_instead(one_by_one(&search.best));
    search.without_steps();
    search.without_commands();
    search.without_renames();
    match search.mismatch {
        Some(mismatch) => Report { seed, steps: Some(search.best), mismatch },
        None => Report { seed, steps: None, mismatch },
    }
}

struct Search<'a> {
    pair: &'a Pair,
    tries: usize,
    best: Vec<Step>,
    mismatch: Option<Mismatch>,
}

impl Search<'_> {
    /// Takes `steps` for the best when they end in a mismatch, whichever it is.
    fn try_instead(&mut self, steps: Vec<Step>) -> bool {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return false;
        }
        let Some(mismatch) = self.pair.run(&steps).mismatch else { return false };
        self.best = steps;
        self.mismatch = Some(mismatch);
        true
    }

    /// Leaves out steps, many at a time first.
    fn without_steps(&mut self) {
        let mut size = self.best.len().div_ceil(2);
        while size > 0 {
            let mut start = 0;
            while start < self.best.len() {
                let end = (start + size).min(self.best.len());
                let mut shorter = self.best.clone();
                shorter.drain(start..end);
                if !self.try_instead(shorter) {
                    start = end;
                }
            }
            size /= 2;
        }
    }

    /// Leaves out steps that may give a key another name, and uses the first name throughout: without the latter none of
    /// them can be missed.
    fn without_renames(&mut self) {
        let mut at = 0;
        while at < self.best.len() {
            let shorter = self.best.get(at).and_then(renaming).map(|(from, to)| {
                let (before, after) = self.best.split_at(at);
                let rest = before.iter().chain(after.iter().skip(1));
                rest.map(|step| with_name(step, &to, &from)).collect()
            });
            if !shorter.is_some_and(|shorter| self.try_instead(shorter)) {
                at += 1;
            }
        }
    }

    /// Leaves out single commands of the pipelines.
    fn without_commands(&mut self) {
        let mut at = 0;
        while at < self.best.len() {
            let mut index = 0;
            while let Some(Step::Pipeline { commands, .. }) = self.best.get(at)
                && commands.len() > 1
                && index < commands.len()
            {
                let mut shorter = self.best.clone();
                if let Some(Step::Pipeline { commands, .. }) = shorter.get_mut(at) {
                    commands.remove(index);
                }
                if !self.try_instead(shorter) {
                    index += 1;
                }
            }
            at += 1;
        }
    }
}

/// The two names of a single command that takes two, like `RENAME`.
fn renaming(step: &Step) -> Option<(Vec<u8>, Vec<u8>)> {
    let Step::Pipeline { commands, .. } = step else { return None };
    match commands.as_slice() {
        [command] => Some((command.get(1)?.clone(), command.get(2)?.clone())),
        _ => None,
    }
}

/// The same step, with another name wherever this one stands.
fn with_name(step: &Step, name: &[u8], other: &[u8]) -> Step {
    let mut step = step.clone();
    if let Step::Pipeline { commands, .. } = &mut step {
        for arg in commands.iter_mut().flatten().filter(|arg| *arg == name) {
            *arg = other.to_vec();
        }
    }
    step
}

/// Every command in a pipeline of its own.
fn one_by_one(steps: &[Step]) -> Vec<Step> {
    let mut alone = Vec::new();
    for step in steps {
        match step {
            Step::Pipeline { connection, commands } => {
                alone.extend(commands.iter().map(|command| Step::Pipeline {
                    connection: *connection,
                    commands: vec![command.clone()],
                }));
            }
            other => alone.push(other.clone()),
        }
    }
    alone
}

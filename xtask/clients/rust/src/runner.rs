//! The program that runs this one, and the count of checks.

use std::io::Write as _;

use crate::{Checked, equal};

/// Kills the server as `kill -9` does.
pub fn kill() -> Checked {
    tell("@kill")
}

/// Starts the killed server again, on the same addresses and data, and waits until it is ready.
pub fn start() -> Checked {
    tell("@start")
}

fn tell(order: &str) -> Checked {
    println!("{order}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    equal(answer.as_str(), "done\n")
}

/// Tells what software was tried.
pub fn version(text: &str) {
    println!("@version {text}");
}

/// How many checks there were, and how many have failed.
#[derive(Debug, Default)]
pub struct Count {
    checks: usize,
    failed: usize,
}

impl Count {
    /// Counts a check, and shows it when it has failed.
    pub fn add(&mut self, name: &str, checked: Checked) {
        self.checks += 1;
        if let Err(error) = checked {
            self.failed += 1;
            println!("FAILED {name}: {error}");
        }
    }

    /// Ends the process.
    pub fn end(&self) -> ! {
        println!("{} of {} checks passed", self.checks - self.failed, self.checks);
        std::process::exit(i32::from(self.failed > 0));
    }
}

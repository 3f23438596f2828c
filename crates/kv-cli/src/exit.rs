//! What the exit code of the process means.

use std::process::ExitCode;

/// The exit codes. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A key was not found, or a condition does not hold.
    NotFound = 1,
    /// The arguments, or a file they name, are wrong.
    Usage = 2,
    /// No server answers.
    Unreachable = 3,
    /// The server refused the request.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

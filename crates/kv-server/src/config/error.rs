//! Why a configuration is refused: every problem at once, each naming key, value, source and remedy.

use std::fmt;
use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file's name does not tell its format.
    #[error(
        "configuration file {} has an unknown format: its name must end in .toml, .yaml or .yml",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file is not TOML or YAML.
    #[error("configuration file {} cannot be parsed: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// An environment variable or an argument is not text.
    #[error("{name} is not UTF-8 text")]
    NotText {
        /// The variable or argument.
        name: String,
    },
    /// A `--set` without key or value.
    #[error("--set {given} is not an assignment: must be section.key=value")]
    NotAnAssignment {
        /// The argument.
        given: String,
    },
    /// Keys or values are refused.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

/// One refused key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, for example `engine.shards`.
    pub key: String,
    /// The value and where it came from, when one was given.
    pub given: Option<(String, Source)>,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some((value, source)) = &self.given {
            write!(f, " = {value:?} ({source})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A configuration file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// `--set` or another flag.
    Flag(&'static str),
    /// The program that embeds the server.
    Program,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
            Self::Program => f.write_str("set by the program"),
        }
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    format!("{} in the configuration:{}", count(problems.len()), lines.concat())
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

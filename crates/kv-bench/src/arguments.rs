//! What every benchmark program is told on its command line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How much is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// What docs/benchmarks.md shows.
    #[default]
    Full,
    /// Short: ratios can be compared with those of other short forms, figures say little.
    Quick,
    /// Small numbers that only show that everything runs.
    Smoke,
}

/// Words, form, and where rows go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Sections or files, as the program takes them.
    pub words: Vec<String>,
    /// `--quick`, `--smoke`, or full.
    pub form: Form,
    /// `--json FILE`: rows are appended there.
    pub json: Option<PathBuf>,
}

/// A command line that no benchmark takes.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentsError {
    /// `--json` came last.
    #[error("--json needs a file to append rows to: --json FILE")]
    NoFile,
    /// Some other option.
    #[error("there is no option `{0}`: --quick, --smoke and --json FILE are allowed")]
    UnknownOption(String),
}

impl Arguments {
    /// Reads a command line without the program's name. Cargo's own `--bench` is left out.
    ///
    /// # Errors
    ///
    /// An option that is unknown, or lacks its file.
    pub fn parse(line: impl IntoIterator<Item = String>) -> Result<Self, ArgumentsError> {
        let mut arguments = Self::default();
        let mut line = line.into_iter();
        while let Some(word) = line.next() {
            match word.as_str() {
                "--bench" => {}
                "--quick" => arguments.form = Form::Quick,
                "--smoke" => arguments.form = Form::Smoke,
                "--json" => {
                    arguments.json = Some(line.next().ok_or(ArgumentsError::NoFile)?.into());
                }
                option if option.starts_with("--") => {
                    return Err(ArgumentsError::UnknownOption(word));
                }
                _ => arguments.words.push(word),
            }
        }
        Ok(arguments)
    }

    /// The command line that measures the same again, after the program's: where rows went is left out.
    pub fn to_line(&self) -> String {
        let form = match self.form {
            Form::Full => None,
            Form::Quick => Some("--quick"),
            Form::Smoke => Some("--smoke"),
        };
        let words: Vec<&str> = self.words.iter().map(String::as_str).chain(form).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, ArgumentsError> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_and_options_come_in_any_order() {
        let expected = Arguments {
            words: vec!["resp".to_owned(), "size".to_owned()],
            form: Form::Quick,
            json: Some("a/b.json".into()),
        };
        assert_eq!(parse("resp size --quick --json a/b.json --bench"), Ok(expected.clone()));
        assert_eq!(parse("--json a/b.json --bench resp --quick size"), Ok(expected.clone()));
        assert_eq!(expected.to_line(), "resp size --quick");
        assert_eq!(parse(""), Ok(Arguments::default()));
        assert_eq!(parse("--smoke").unwrap().form, Form::Smoke);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(parse("resp --json"), Err(ArgumentsError::NoFile));
        assert_eq!(parse("--fast"), Err(ArgumentsError::UnknownOption("--fast".to_owned())));
    }
}

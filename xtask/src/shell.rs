//! Runs command lines written as one would type them, so that what is shown is exactly what ran.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::tools;

/// A command line taken apart: `NAME=value... program argument...`. Words hold no spaces.
#[derive(Debug, PartialEq, Eq)]
struct CommandLine<'a> {
    variables: Vec<(&'a str, &'a str)>,
    program: &'a str,
    arguments: Vec<&'a str>,
}

impl<'a> CommandLine<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace().peekable();
        let mut variables = Vec::new();
        while let Some(variable) = words.peek().and_then(|word| word.split_once('=')) {
            variables.push(variable);
            words.next();
        }
        Some(Self { variables, program: words.next()?, arguments: words.collect() })
    }

    /// `cargo nextest` and its like run through the tool that was found or installed.
    fn command(&self, root: &Path) -> Result<Command> {
        let tool = match (self.program, self.arguments.first()) {
            ("cargo", Some(subcommand)) => tools::by_subcommand(subcommand),
            _ => None,
        };
        let mut command = match tool {
            Some(tool) => Command::new(tool.program(root)?),
            None => Command::new(self.program),
        };
        command.envs(self.variables.iter().copied()).args(&self.arguments);
        Ok(command)
    }
}

/// Prints `line`, runs it in `root` without standard input, and fails when it fails.
pub(crate) fn run(root: &Path, line: &str) -> Result<()> {
    let command_line = CommandLine::parse(line).context("the command line is empty")?;
    let mut command = command_line.command(root)?;
    println!("$ {line}");
    let status = command
        .current_dir(root)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("`{}` could not be started", command_line.program))?;
    anyhow::ensure!(status.success(), "the command ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, variables: &[(&str, &str)], program: &str, arguments: &[&str]) {
        let expected =
            CommandLine { variables: variables.to_vec(), program, arguments: arguments.to_vec() };
        assert_eq!(CommandLine::parse(line), Some(expected), "{line}");
    }

    #[test]
    fn variables_precede_the_program() {
        check("cargo", &[], "cargo", &[]);
        check("cargo fmt --check", &[], "cargo", &["fmt", "--check"]);
        check("A=-Dx B= cargo doc", &[("A", "-Dx"), ("B", "")], "cargo", &["doc"]);
        check("cargo test --color=never", &[], "cargo", &["test", "--color=never"]);
    }

    #[test]
    fn nothing_is_not_a_command() {
        assert_eq!(CommandLine::parse("  "), None);
        assert_eq!(CommandLine::parse("A=b"), None);
    }

    #[test]
    fn a_failing_command_is_an_error() {
        let error = run(Path::new("."), "cargo no-such-subcommand").unwrap_err();
        assert!(error.to_string().contains("ended with"), "{error}");
    }
}

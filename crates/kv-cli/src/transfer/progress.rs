//! Tells how far a transfer is: a bar for people at a terminal, lines for programs, or nothing.

use std::io::IsTerminal;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::screen::notice;

/// How to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar if standard error is a terminal, else nothing
    Auto,
    /// A line per batch: how many rows are acknowledged so far
    Plain,
    /// Nothing
    None,
}

/// Progress on standard error.
#[derive(Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Plain,
    None,
}

impl Progress {
    /// Progress of a transfer of so many bytes, if that is known.
    pub(crate) fn new(mode: ProgressMode, bytes: Option<u64>) -> Self {
        match mode {
            ProgressMode::Plain => Self::Plain,
            ProgressMode::Auto if std::io::stderr().is_terminal() => Self::Bar(bar(bytes)),
            ProgressMode::Auto | ProgressMode::None => Self::None,
        }
    }

    /// So many rows are safe, and the file is read or written up to here.
    pub(crate) fn rows(&self, verb: &str, rows: u64, offset: u64) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(offset);
                bar.set_message(format!("{rows} rows"));
            }
            Self::Plain => notice(format_args!("{verb} {rows} rows")),
            Self::None => {}
        }
    }

    /// Removes the bar, so that what follows has the line to itself.
    pub(crate) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

const KNOWN_LENGTH: &str = "{bar:30} {percent:>3}%  {msg}  {decimal_bytes_per_sec}  {eta} left";
const UNKNOWN_LENGTH: &str = "{spinner}  {msg}  {decimal_bytes_per_sec}  {elapsed}";

fn bar(bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), KNOWN_LENGTH),
        None => (ProgressBar::no_length(), UNKNOWN_LENGTH),
    };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.expect("a test reads both templates"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_can_be_read() {
        for bytes in [Some(1), None] {
            let bar = bar(bytes);
            assert_eq!(bar.length(), bytes);
            bar.finish_and_clear();
        }
    }
}

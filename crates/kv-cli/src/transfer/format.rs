//! Which format a file has, and whether the options given go with it.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::row::name;
use super::tsv::Tsv;
use crate::failure::Failure;

/// A format by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines of key, tab, value; the value is the rest of the line
    Tsv,
    /// Comma-separated, quoted where needed (RFC 4180), with a header
    Csv,
    /// One JSON object per line
    Jsonl,
}

/// The options about a file's format.
#[derive(Debug, Clone, Args)]
pub(crate) struct FormatOptions {
    /// The file's format; unless given, by its extension (.csv, .jsonl, .ndjson), else tsv
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What stands between key and value in tsv (a tab unless given), between fields in csv (a comma)
    #[arg(long, value_name = "C", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// In tsv, write newline, tab, return and backslash as \n, \t, \r and \\, and read them so
    #[arg(long)]
    escape: bool,
    /// In csv, do without the first line that names the columns
    #[arg(long)]
    no_header: bool,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err("one character of one byte is needed, or \\t for a tab".to_owned()),
    }
}

/// A format with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Tsv(Tsv),
    Csv { delimiter: u8, header: bool },
    Jsonl,
}

impl FormatOptions {
    /// The format of the file at `path`; `-` has no extension.
    pub(crate) fn resolve(&self, path: &Path) -> Result<FileFormat, Failure> {
        let format = self.format.unwrap_or_else(|| by_extension(path));
        let foreign = match format {
            Format::Csv | Format::Jsonl if self.escape => Some("--escape goes with --format tsv"),
            Format::Tsv | Format::Jsonl if self.no_header => {
                Some("--no-header goes with --format csv")
            }
            Format::Jsonl if self.delimiter.is_some() => {
                Some("--delimiter goes with --format tsv or csv")
            }
            _ => None,
        };
        if let Some(problem) = foreign {
            let format = format.to_possible_value().map(|value| value.get_name().to_owned());
            let format = format.unwrap_or_default();
            return Err(Failure::Usage(format!("{problem}, but the format here is {format}")));
        }
        match format {
            Format::Tsv => Tsv::new(self.delimiter.unwrap_or(b'\t'), self.escape)
                .map(FileFormat::Tsv)
                .map_err(Failure::Usage),
            Format::Csv => csv(self.delimiter.unwrap_or(b','), !self.no_header),
            Format::Jsonl => Ok(FileFormat::Jsonl),
        }
    }
}

fn csv(delimiter: u8, header: bool) -> Result<FileFormat, Failure> {
    if matches!(delimiter, b'"' | b'\n' | b'\r') {
        let problem = format!("{} cannot be a delimiter in csv", name(delimiter));
        return Err(Failure::Usage(problem));
    }
    Ok(FileFormat::Csv { delimiter, header })
}

fn by_extension(path: &Path) -> Format {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("csv") => Format::Csv,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        _ => Format::Tsv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        path: std::path::PathBuf,
        #[command(flatten)]
        options: FormatOptions,
    }

    fn check(line: &str, expected: Result<FileFormat, &str>) {
        let line = Line::parse_from(["x"].into_iter().chain(line.split(' ')));
        match (line.options.resolve(&line.path), expected) {
            (Ok(format), Ok(expected)) => assert_eq!(format, expected),
            (Err(failure), Err(expected)) => assert_eq!(failure.to_string(), expected),
            (outcome, _) => panic!("{outcome:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn formats_follow_from_options_and_extensions() {
        let tsv = |delimiter, escapes| Ok(FileFormat::Tsv(Tsv { delimiter, escapes }));
        let csv = |delimiter, header| Ok(FileFormat::Csv { delimiter, header });
        check("-", tsv(b'\t', false));
        check("x.txt --delimiter ;", tsv(b';', false));
        check("x.tsv --escape --delimiter \\t", tsv(b'\t', true));
        check("x.CSV", csv(b',', true));
        check("x.csv --no-header --delimiter ;", csv(b';', false));
        check("x.jsonl", Ok(FileFormat::Jsonl));
        check("x.csv --format jsonl", Ok(FileFormat::Jsonl));
        check("x.ndjson --format tsv", tsv(b'\t', false));
    }

    #[test]
    fn options_of_another_format_are_refused() {
        check(
            "x --no-header",
            Err("--no-header goes with --format csv, but the format here is tsv"),
        );
        check("x.csv --escape", Err("--escape goes with --format tsv, but the format here is csv"));
        check(
            "x.jsonl --delimiter ;",
            Err("--delimiter goes with --format tsv or csv, but the format here is jsonl"),
        );
        check("x --escape --delimiter n", Err("'n' cannot be a delimiter with --escape"));
        check("x.csv --delimiter \"", Err("'\\\"' cannot be a delimiter in csv"));
    }
}

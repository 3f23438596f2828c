//! `import`: loads a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kv_client::{Client, Error, ErrorKind};

use super::{WriteOptions, duration};
use crate::failure::{self, Failure};
use crate::run::Context;
use crate::screen::{Output, notice, plural};
use crate::transfer::{
    self, Ending, FileFormat, FormatOptions, Progress, ProgressMode, Report, RowReader,
};

const ABOUT: &str = r#"Load a file

Formats:

  tsv    key, tab, value. The value is the rest of the line, byte for byte: tabs, backslashes
         and carriage returns in it stay as they are. --delimiter ';' splits at the first
         semicolon instead. With --escape, \n, \t, \r and \\ are read as newline, tab, return
         and backslash, and \ before the delimiter in a key as the delimiter.

  csv    RFC 4180. The first line names the columns: key, value, and if wanted ttl_ms or
         expires_at_ms. With --no-header they are key, value and if wanted expires_at_ms.

  jsonl  {"key": "a", "value": "1"}, and if wanted "ttl_ms" or "expires_at_ms". Bytes that are
         not UTF-8 are {"base64": "..."} instead of a string.

Empty lines are skipped. A malformed line is told by its number, skipped, and makes the exit code 2;
a row that the server refuses makes it 4. Lines are at most 64 MiB long.

Rows are acknowledged in the order of the file. When an import breaks off, it tells how many were;
--skip-rows with that number goes on there.

The report goes to standard error; with --output json, its figures also go to standard output."#;

/// Load a file
#[derive(Debug, Args)]
#[command(
    long_about = ABOUT,
    after_help = "\
Examples:
  kv-cli import data.tsv
  kv-cli import UnicodeData.txt --delimiter ';'
  zcat dump.jsonl.gz | kv-cli import - --format jsonl
  kv-cli import sessions.csv --ttl 30m --skip-existing"
)]
pub(crate) struct Import {
    /// The file; `-` is standard input
    file: PathBuf,
    #[command(flatten)]
    format: FormatOptions,
    /// Let rows that bring no expiry end this long after they were written
    #[arg(long, value_parser = duration, allow_hyphen_values = true)]
    ttl: Option<Duration>,
    /// Leave keys alone that exist
    #[arg(long)]
    skip_existing: bool,
    /// Stop at the first line that is malformed or refused
    #[arg(long)]
    strict: bool,
    /// Do not send the first N well-formed rows: an earlier import has
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip_rows: u64,
    /// How to tell progress on standard error
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    progress: ProgressMode,
    #[command(flatten)]
    write: WriteOptions,
}

impl Import {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let format = self.format.resolve(&self.file)?;
        let (report, ending) = self.transfer(&context.client, format).await?;
        if report.acknowledged > 0 || !matches!(ending, Ending::Broken(_)) {
            notice(report.summary("imported"));
        }
        let failures = report.failures();
        if !failures.is_empty() {
            notice(failures.trim_end());
        }
        if context.screen.output == Output::Json {
            context.screen.json(&report.figures())?;
        }
        verdict(&self.file, &report, ending, self.skip_rows)
    }

    async fn transfer(
        &self,
        client: &Client,
        format: FileFormat,
    ) -> Result<(Report, Ending), Failure> {
        let options = transfer::Import {
            ttl: self.ttl,
            skip_existing: self.skip_existing,
            strict: self.strict,
            skip_rows: self.skip_rows,
            durability: self.write.durability(),
        };
        let (from, bytes) = open(&self.file)?;
        let progress = Progress::new(self.progress, bytes);
        Ok(transfer::import(client, RowReader::new(from, format), options, &progress).await)
    }
}

/// The file and, if it has one, its length.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let read = |error| failure::file("read", path, &error);
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    if metadata.is_dir() {
        return Err(read(io::Error::other("it is a directory; a file name is needed")));
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), bytes))
}

/// What the exit code says. A file can be wrong in several ways; what the server says comes first.
fn verdict(path: &Path, report: &Report, ending: Ending, skipped: u64) -> Result<(), Failure> {
    let safe = report.acknowledged + skipped;
    let resume = format!(
        "{} acknowledged; --skip-rows {safe} goes on from there",
        plural(report.acknowledged, "row")
    );
    match ending {
        Ending::Broken(error) if report.acknowledged == 0 => return Err(error.into()),
        Ending::Broken(error) => return Err(broken(&error, &resume)),
        Ending::Unreadable(error) => {
            let failure = failure::file("read", path, &error);
            return Err(Failure::Usage(format!("{failure}; {resume}")));
        }
        Ending::Complete => {}
    }
    let (refused, malformed) = (report.refused.count(), report.malformed.count());
    if refused > 0 {
        return Err(Failure::Refused(format!("the server refused {}", plural(refused, "row"))));
    }
    if malformed > 0 {
        let path = path.display();
        return Err(Failure::Usage(format!("{} in {path}", plural(malformed, "malformed line"))));
    }
    Ok(())
}

/// The connection, or the server, gave up half way.
fn broken(error: &Error, resume: &str) -> Failure {
    let message = format!("{error}; {resume}");
    match error.kind() {
        ErrorKind::Unreachable | ErrorKind::Unknown => Failure::Broken(message),
        _ => Failure::Refused(message),
    }
}

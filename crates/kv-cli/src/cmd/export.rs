//! `export`: saves keys and values in a file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::run::Context;
use crate::screen::{Output, notice};
use crate::transfer::{self, FormatOptions, Progress, ProgressMode, RowWriter, Sink};

/// Save keys and values in a file
///
/// `import` reads all formats back; its help describes them. Plain tsv has no place for a newline, nor
/// for the delimiter in a key: a key with one is refused by name, and --escape, csv and jsonl take it.
///
/// The order is unspecified; pipe through `LC_ALL=C sort` for one. A key that exists throughout is
/// saved at least once; one that changes meanwhile may be saved twice.
///
/// A file appears under its name when it is complete and on stable storage, and not before. The report
/// goes to standard error; with --output json, its figures also go to standard output, unless the rows
/// go there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kv-cli export backup.jsonl --with-ttl
  kv-cli export - --prefix user: | LC_ALL=C sort
  kv-cli export - --delimiter ';' > UnicodeData.txt")]
pub(crate) struct Export {
    /// The file; `-` is standard output
    file: PathBuf,
    #[command(flatten)]
    format: FormatOptions,
    /// Only keys that start with this
    #[arg(long, value_name = "P", default_value = "")]
    prefix: OsString,
    /// Save when keys end, as `expires_at_ms` in Unix time, so that a later import is right (csv, jsonl)
    #[arg(long)]
    with_ttl: bool,
    /// How to tell progress on standard error
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    progress: ProgressMode,
}

impl Export {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let format = self.format.resolve(&self.file)?;
        let writer = RowWriter::new(format, self.with_ttl).map_err(Failure::Usage)?;
        let prefix = context.input.key(&self.prefix)?;
        let sink = Sink::open(&self.file)?;
        let to_stdout = matches!(sink, Sink::Stdout(_));
        let progress = Progress::new(self.progress, None);
        let export = transfer::Export { prefix, writer, sink };
        let report = transfer::export(&context.client, export, &progress).await?;
        notice(report.summary("exported"));
        // Standard output is for the rows.
        if context.screen.output == Output::Json && !to_stdout {
            context.screen.json(&report.figures())?;
        }
        Ok(())
    }
}

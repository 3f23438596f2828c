//! Moves rows between files and the server: formats, batches in flight, progress, reports.
//!
//! ```text
//! import   file -> Lines -> RowReader -> batches ==queue==> pipeline -> answers -> Report
//! export   scan -> pages ==queue==> RowWriter -> Sink -> file
//!          (left of the queue and right of it on different threads; the queue is bounded)
//! ```

mod csv_reader;
mod export;
mod feed;
mod format;
mod import;
mod jsonl;
mod lines;
mod progress;
mod reader;
mod report;
mod row;
mod sink;
mod tsv;
mod writer;

pub(crate) use export::{Export, export};
pub(crate) use format::{FileFormat, FormatOptions};
pub(crate) use import::{Ending, Import, import};
pub(crate) use progress::{Progress, ProgressMode};
pub(crate) use reader::RowReader;
pub(crate) use report::Report;
pub(crate) use sink::Sink;
pub(crate) use writer::RowWriter;

//! `kv-server dump FILE`.

use std::io::{self, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use kv_persist::tools::{DumpEnd, DumpError, dump};

use super::json;
use super::open_read_only;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    // Where it is in truth: what is behind a link can be printed too.
    let path =
        file.canonicalize().with_context(|| format!("{} cannot be found", file.display()))?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("the name of {} is not UTF-8", file.display()))?;
    let disk = open_read_only(path.parent().unwrap_or(Path::new("/")))?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let mut failure = None;
    let end = dump(&disk, name, &mut |item| match json::write(&mut out, &item) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    });
    let written = failure.map_or_else(|| out.flush(), Err);
    if let Err(error) = &written
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        // Whoever reads has seen enough. What is left in the buffer is for nobody.
        drop(out.into_parts());
        return Ok(ExitCode::SUCCESS);
    }
    written.context("standard output cannot be written to")?;
    finish(name, end)
}

#[expect(clippy::print_stderr, reason = "standard output is for what is in the file")]
fn finish(name: &str, end: Result<DumpEnd, DumpError>) -> anyhow::Result<ExitCode> {
    if let DumpEnd::Torn { offset, bytes } = end? {
        eprintln!(
            "kv-server: {name} has, at byte {offset}, {bytes} bytes of a write that was interrupted, or is \
             going on; if no later segment follows, a start cuts them off"
        );
    }
    Ok(ExitCode::SUCCESS)
}

//! What is in the log's files, counted from the headers that docs/formats.md draws.

use std::path::Path;

const SEGMENT_HEADER_BYTES: usize = 64;
const BATCH_HEADER_BYTES: usize = 48;
const BATCH_MAGIC: &[u8] = b"kvB1";

/// Bytes and counts of a log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogContent {
    /// Headers included; what follows the last batch of a segment is not.
    pub(crate) bytes: u64,
    pub(crate) batches: u64,
    pub(crate) records: u64,
}

/// Walks through all segments in `dir`. The server must have stopped.
pub(crate) fn read(dir: &Path) -> LogContent {
    let mut content = LogContent::default();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy();
        if name.starts_with("log-") && path.extension().is_some_and(|end| end == "kvl") {
            add_segment(&mut content, &std::fs::read(&path).unwrap());
        }
    }
    content
}

fn add_segment(content: &mut LogContent, segment: &[u8]) {
    let mut at = SEGMENT_HEADER_BYTES;
    let mut sequence = None;
    while let Some(header) = segment.get(at..at + BATCH_HEADER_BYTES) {
        let found = number(header, 8);
        // A recycled file may hold batches of its former life.
        let is_next = sequence.is_none_or(|last: u64| found == last + 1);
        if !header.starts_with(BATCH_MAGIC) || !is_next {
            break;
        }
        sequence = Some(found);
        content.batches += 1;
        content.records += u64::from(u32::from_le_bytes(header[24..28].try_into().unwrap()));
        at += BATCH_HEADER_BYTES + number(header, 32) as usize;
    }
    content.bytes += at as u64;
}

fn number(header: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(header[at..at + 8].try_into().unwrap())
}

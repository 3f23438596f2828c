//! What follows the last good batch of a log: the search for proof that more was on stable storage.

use std::io;
use std::ops::ControlFlow;

use super::batch::{BATCH_HEADER_BYTES, BATCH_MAGIC, BatchHeader};
use super::extent::LogPosition;
use super::window::Window;

/// How much is searched at once.
const SEARCH_BYTES: usize = 256 << 10;

/// What is left of batches after the last good one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The first batch header that says the next batch was on stable storage, and where it is.
    pub(crate) proof: Option<(u64, BatchHeader)>,
    /// Where the last batch ends that was begun, as far as the file goes; `None` when there is none.
    pub(crate) end: Option<u64>,
}

/// Searches all that follows `next` for batch headers with this salt.
///
/// # Errors
/// The operating system's.
pub(super) fn search(window: &mut Window, salt: u64, next: &LogPosition) -> io::Result<Tail> {
    let mut tail = Tail::default();
    let len = window.len();
    visit_headers(window, (salt, next.offset), &mut |offset, header| {
        if header.sequence >= next.next_sequence {
            let end = offset.saturating_add(BATCH_HEADER_BYTES as u64).saturating_add(header.bytes);
            tail.end = tail.end.max(Some(end.min(len)));
            if tail.proof.is_none() && header.durable >= next.next_sequence {
                tail.proof = Some((offset, header));
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(tail)
}

/// The first batch header behind `next` that is of a later batch than those before it, and where.
///
/// # Errors
/// The operating system's.
pub(super) fn find_next(
    window: &mut Window,
    salt: u64,
    next: &LogPosition,
) -> io::Result<Option<(u64, BatchHeader)>> {
    let mut found = None;
    let from = next.offset.saturating_add(1);
    visit_headers(window, (salt, from), &mut |offset, header| {
        if header.sequence < next.next_sequence {
            return ControlFlow::Continue(());
        }
        found = Some((offset, header));
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Shows all batch headers with this salt from an offset on, until it is enough.
fn visit_headers(
    window: &mut Window,
    (salt, from): (u64, u64),
    visit: &mut dyn FnMut(u64, BatchHeader) -> ControlFlow<()>,
) -> io::Result<()> {
    let len = window.len();
    let mut at = from;
    while let Some(left) = len.checked_sub(at).and_then(|left| usize::try_from(left).ok()) {
        let searched = left.min(SEARCH_BYTES);
        if searched < BATCH_HEADER_BYTES {
            break;
        }
        let Some(bytes) = window.get(at, searched)? else { break };
        for (skipped, header) in headers(bytes, salt) {
            if visit(at + skipped as u64, header).is_break() {
                return Ok(());
            }
        }
        // A header may lie across the border.
        at += (searched - (BATCH_HEADER_BYTES - 1)) as u64;
    }
    Ok(())
}

/// All batch headers in `bytes` that lie wholly in it, and where.
fn headers(bytes: &[u8], salt: u64) -> impl Iterator<Item = (usize, BatchHeader)> {
    magics(bytes).filter_map(move |at| Some((at, BatchHeader::decode(bytes.get(at..)?, salt)?)))
}

/// Every place where a batch header may begin.
fn magics(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let magic = u32::from_le_bytes(BATCH_MAGIC);
    let windows = bytes.array_windows::<4>().enumerate();
    windows.filter(move |(_, window)| u32::from_le_bytes(**window) == magic).map(|(at, _)| at)
}

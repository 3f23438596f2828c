//! Stretches of a log without a gap: of these a repair keeps one.

use kv_core::Lsn;

use super::survey::{Content, Segment};
use crate::log::LogPosition;

/// Consecutive segments, each of which goes on where the one before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Id of the first segment.
    pub(super) first: u64,
    /// Position of the first record.
    pub(super) first_lsn: Lsn,
    /// Where the last segment ends.
    pub(super) end: LogPosition,
    /// Whether something behind that must be cut off for the log to end there.
    pub(super) is_to_be_cut: bool,
}

impl Run {
    /// Whether every record after `log_start` is there, up to `log_end` at least.
    pub(super) fn covers(&self, log_start: Lsn, log_end: Lsn) -> bool {
        self.first_lsn.get() <= log_start.get().saturating_add(1) && self.end.next_lsn > log_end
    }

    pub(super) fn contains(&self, segment: u64) -> bool {
        (self.first..=self.end.segment).contains(&segment)
    }
}

/// The longest stretches, oldest first. Segments are given in ascending order.
pub(super) fn runs(segments: &[Segment]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut goes_on = false;
    for (index, segment) in segments.iter().enumerate() {
        let Ok(content) = &segment.content else {
            goes_on = false;
            continue;
        };
        let next = segments.get(index + 1);
        let is_to_be_cut = segment.bytes > content.end.offset && needs_cut(content, next);
        match runs.last_mut().filter(|run| goes_on && continues(run.end, content)) {
            Some(run) => {
                run.end = content.end;
                run.is_to_be_cut = is_to_be_cut;
            }
            None => runs.push(Run {
                first: segment.id,
                first_lsn: content.header.first_lsn,
                end: content.end,
                is_to_be_cut,
            }),
        }
        goes_on = true;
    }
    runs
}

/// Whether a segment goes on where the one before it ends.
pub(super) fn continues(end: LogPosition, next: &Content) -> bool {
    let header = &next.header;
    (end.segment + 1, end.next_sequence, end.next_lsn)
        == (header.id, header.first_batch, header.first_lsn)
}

/// Whether the log would not end cleanly with this segment if those after it were not there.
fn needs_cut(content: &Content, next: Option<&Segment>) -> bool {
    let is_followed_by_later = next.is_some_and(|next| {
        let later = next.content.as_ref().map(|next| next.header.first_batch);
        later.map_or(content.tail.end.is_some(), |batch| batch > content.end.next_sequence)
    });
    content.is_damaged() || is_followed_by_later
}

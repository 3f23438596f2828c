//! `EX`, `PX`, `EXAT` and `PXAT`: how long a value is to live.

use kv_core::Deadline;

use crate::resp::failure::Failure;
use crate::resp::plan::Unit;
use crate::resp::request::{integer, is};

/// How long a value is to live, as the client has written it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime<'a> {
    pub(super) text: &'a [u8],
    pub(super) unit: Unit,
    /// Whether it is a point in time.
    pub(super) is_absolute: bool,
}

impl<'a> Lifetime<'a> {
    /// The unit that an option says, and whether it is followed by a point in time.
    pub(super) fn option(option: &[u8]) -> Option<(Unit, bool)> {
        let known = [
            ("EX", Unit::Seconds, false),
            ("PX", Unit::Millis, false),
            ("EXAT", Unit::Seconds, true),
            ("PXAT", Unit::Millis, true),
        ];
        known
            .into_iter()
            .find_map(|(word, unit, is_absolute)| is(option, word).then_some((unit, is_absolute)))
    }

    /// So long from now.
    pub(super) fn after(text: &'a [u8], unit: Unit) -> Self {
        Self { text, unit, is_absolute: false }
    }

    /// An option may be given again, which counts, but not beside another.
    pub(super) fn replaces(self, before: Option<Self>) -> Result<(), Failure> {
        let same =
            |before: Self| (before.unit, before.is_absolute) == (self.unit, self.is_absolute);
        if before.is_none_or(same) { Ok(()) } else { Err(Failure::Syntax) }
    }

    /// When a value ends that `command` writes. What has no future is refused.
    pub(super) fn deadline(self, command: &'static str) -> Result<Deadline, Failure> {
        let count = integer(self.text)?;
        let millis = self.unit.to_millis(count).ok_or(Failure::ExpireTime(command))?;
        let deadline =
            if self.is_absolute { Deadline::at(millis) } else { Deadline::after(millis) };
        deadline.map_err(|_out_of_range| Failure::ExpireTime(command))
    }
}

//! What becomes of a sequence of unsynced things in a crash.

/// Which of the things in a sequence survive. Names and bytes have sequences of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Nothing,
    Everything,
    /// Those before this place.
    Before(usize),
    /// Those from this place on.
    From(usize),
    /// A coin is thrown for each.
    Each,
}

impl Fate {
    /// A fate for all sequences of a disk: that nothing or that all survives must be likely, however
    /// many files there are. `None` leaves it to each.
    pub(super) fn of_disk(rng: &mut fastrand::Rng) -> Option<Self> {
        match rng.u8(..6) {
            0 => Some(Self::Nothing),
            1 => Some(Self::Everything),
            _ => None,
        }
    }

    /// A fate for a sequence of so many things.
    pub(super) fn of_sequence(rng: &mut fastrand::Rng, things: usize) -> Self {
        match rng.u8(..6) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::Before(rng.usize(..=things)),
            3 => Self::From(rng.usize(..=things)),
            _ => Self::Each,
        }
    }

    /// Whether the thing at this place survives.
    pub(super) fn keeps(self, place: usize, rng: &mut fastrand::Rng) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Before(end) => place < end,
            Self::From(start) => place >= start,
            Self::Each => rng.bool(),
        }
    }
}

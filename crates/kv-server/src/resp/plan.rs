//! Commands that are one operation of the store: the operation, and how its reply is told to the client.

use bytes::Bytes;
use kv_core::{Op, Payload, Reply};
use kv_resp::Version;

use super::answers::Answers;
use super::failure::Failure;

/// A command as one operation of the store.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// What the store executes.
    pub(crate) op: Op<'a>,
    /// What the client is told.
    pub(crate) shape: Shape,
}

/// What of a reply the client is told, and how.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The value, or nothing.
    Value,
    /// `OK`, or nothing when the condition does not hold.
    Done,
    /// 1 when the key was there or the write was made, else 0.
    Applied,
    /// The number.
    Number,
    /// The length; 0 of what is not there.
    Length,
    /// A part of the value: from one byte to another, both counted from the end when negative.
    Range { start: i64, end: i64 },
    /// The time to live; -1 without an expiry and -2 without a key.
    Ttl(Unit),
    /// When the key ends; -1 without an expiry and -2 without a key.
    Deadline(Unit),
    /// What kind of value it is.
    Type,
    /// Nothing when the key is not there, and this when it is.
    NullOr(Box<Failure>),
}

/// What spans and points in time are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
}

impl Unit {
    /// Rounds as Redis does: to the nearest.
    fn of_millis(self, millis: u64) -> i64 {
        let count = match self {
            Self::Seconds => (millis + 500) / 1000,
            Self::Millis => millis,
        };
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    /// So many of these in milliseconds; `None` when that is more than a number can be.
    pub(crate) fn to_millis(self, count: i64) -> Option<i64> {
        match self {
            Self::Seconds => count.checked_mul(1000),
            Self::Millis => Some(count),
        }
    }
}

/// The time to live of a key without an expiry.
const FOREVER: i64 = -1;

/// The time to live of a key that does not exist.
const NO_KEY: i64 = -2;

impl Shape {
    /// Tells the client.
    pub(crate) fn answer(
        self,
        reply: Reply,
        answers: &mut Answers,
        version: Version,
    ) -> Result<(), Failure> {
        match self {
            Self::Value => match reply.payload {
                Payload::Value(value) => answers.bulk(value),
                _ => answers.encoder(version).null(),
            },
            Self::Done if reply.applied => answers.ok(),
            Self::Applied => answers.encoder(version).integer(i64::from(reply.applied)),
            Self::Number | Self::Length => answers.encoder(version).integer(number(&reply.payload)),
            Self::Range { start, end } => match reply.payload {
                Payload::Value(value) => answers.bulk(value.slice(range(value.len(), start, end))),
                _ => answers.encoder(version).bulk(b""),
            },
            Self::Ttl(unit) => {
                let ttl = reply.ttl_ms.map_or(FOREVER, |ttl_ms| unit.of_millis(ttl_ms));
                answers.encoder(version).integer(if reply.applied { ttl } else { NO_KEY });
            }
            Self::Deadline(unit) => {
                let deadline = match reply.payload {
                    Payload::Deadline(at) => unit.of_millis(at.get()),
                    _ => FOREVER,
                };
                answers.encoder(version).integer(if reply.applied { deadline } else { NO_KEY });
            }
            Self::Type => {
                answers.encoder(version).simple(if reply.applied { "string" } else { "none" });
            }
            Self::NullOr(failure) if reply.applied => return Err(*failure),
            Self::Done | Self::NullOr(_) => answers.encoder(version).null(),
        }
        Ok(())
    }
}

impl Shape {
    /// Tells the client of a reply whose value is lent.
    #[inline]
    pub(crate) fn answer_lent(
        self,
        reply: &Reply,
        value: &[u8],
        answers: &mut Answers,
        version: Version,
    ) -> Result<(), Failure> {
        let told = match self {
            Self::Value => value,
            Self::Range { start, end } => {
                value.get(range(value.len(), start, end)).unwrap_or_default()
            }
            shape => {
                let payload = Payload::Value(Bytes::copy_from_slice(value).into());
                return shape.answer(Reply { payload, ..reply.clone() }, answers, version);
            }
        };
        answers.encoder(version).bulk(told);
        Ok(())
    }
}

fn number(payload: &Payload) -> i64 {
    match payload {
        Payload::Number(number) => *number,
        Payload::Length(length) => i64::try_from(*length).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// The bytes of a value from `start` to `end`, both included, as `GETRANGE` counts them.
fn range(len: usize, start: i64, end: i64) -> std::ops::Range<usize> {
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let from_front = |at: i64| if at < 0 { at.saturating_add(signed).max(0) } else { at };
    let (start, end) = (from_front(start), from_front(end).min(signed - 1));
    if start > end || len == 0 {
        return 0..0;
    }
    let place = |at: i64| usize::try_from(at).unwrap_or(0);
    place(start)..place(end) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_counted_from_both_ends_and_kept_within_the_value() {
        for (start, end, expected) in [
            (0, -1, "hello"),
            (0, 0, "h"),
            (1, 3, "ell"),
            (-3, -2, "ll"),
            (-100, 1, "he"),
            (3, 100, "lo"),
            (4, 4, "o"),
            (5, 5, ""),
            (3, 2, ""),
            (-1, -2, ""),
            (-100, -100, "h"),
            (-100, -99, "h"),
            (i64::MIN, i64::MAX, "hello"),
            (i64::MAX, i64::MIN, ""),
        ] {
            assert_eq!(&"hello"[range(5, start, end)], expected, "{start} {end}");
            assert_eq!(range(0, start, end), 0..0);
        }
    }

    #[test]
    fn seconds_are_rounded_to_the_nearest() {
        for (millis, seconds) in [(0, 0), (499, 0), (500, 1), (1499, 1), (1500, 2)] {
            assert_eq!(Unit::Seconds.of_millis(millis), seconds);
        }
        assert_eq!(Unit::Seconds.to_millis(i64::MAX / 1000 + 1), None);
        assert_eq!(Unit::Millis.to_millis(i64::MIN), Some(i64::MIN));
    }
}

//! Records: the effects of one atomic change, under one position and one checksum.

use kv_core::{Effect, Lsn, Record};

use crate::format::Malformed;
use crate::format::bytes::{take, take_u32, take_u64};
use crate::format::checksum::{crc32c, crc32c_append};
use crate::format::effect::{EFFECT_BYTES_MIN, effect_bytes, put_effect, take_effect};

/// Length, checksum, position and group.
pub(crate) const RECORD_HEADER_BYTES: usize = 20;

/// The fewest bytes of a record.
pub(crate) const RECORD_BYTES_MIN: usize = RECORD_HEADER_BYTES + EFFECT_BYTES_MIN;

/// The most bytes of a record: the largest key and value fit, and as much again beside them.
pub(crate) const RECORD_BYTES_MAX: usize = 1 << 30;

/// Length and checksum, which the checksum does not cover.
const UNCOVERED_BYTES: usize = 8;

/// A change that is too large to be one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "one atomic change may take {RECORD_BYTES_MAX} bytes in the log and this one takes {given}; \
     split it"
)]
pub(crate) struct RecordTooLarge {
    /// How many bytes it would take.
    pub(crate) given: usize,
}

/// How many bytes a record takes.
///
/// # Errors
/// [`RecordTooLarge`].
#[inline]
pub(crate) fn record_bytes(record: &Record<'_>) -> Result<u32, RecordTooLarge> {
    debug_assert!(!record.effects.is_empty(), "a record changes something");
    let effects: usize = record.effects.iter().map(effect_bytes).sum();
    let given = RECORD_HEADER_BYTES + effects;
    u32::try_from(given).ok().filter(|_| given <= RECORD_BYTES_MAX).ok_or(RecordTooLarge { given })
}

/// Appends a record of so many `bytes` to `out`, without its checksum: [`seal`] adds it.
#[inline]
pub(crate) fn put_record(out: &mut Vec<u8>, record: &Record<'_>, bytes: u32, lsn: Lsn) {
    let mut header = [0; RECORD_HEADER_BYTES];
    header[0..4].copy_from_slice(&bytes.to_le_bytes());
    header[8..16].copy_from_slice(&lsn.get().to_le_bytes());
    header[16..20].copy_from_slice(&record.group.to_le_bytes());
    out.extend_from_slice(&header);
    for effect in record.effects {
        put_effect(out, effect);
    }
}

/// Gives a record another position; its checksum is not right any more.
pub(crate) fn place(record: &mut [u8], lsn: Lsn) {
    if let Some(head) = record.first_chunk_mut::<16>() {
        head[8..16].copy_from_slice(&lsn.get().to_le_bytes());
    }
}

/// Gives a record its checksum.
pub(crate) fn seal(record: &mut [u8]) {
    let (_, checksum) = checksums(record);
    if let Some(head) = record.first_chunk_mut::<8>() {
        head[4..8].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Gives all records, one after the other, their checksums.
pub(crate) fn seal_all(mut records: &mut [u8]) {
    while let Some(length) = records.first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let record = records.split_at_mut_checked(length).filter(|_| length >= RECORD_BYTES_MIN);
        debug_assert!(record.is_some(), "whole records");
        let Some((record, rest)) = record else { return };
        seal(record);
        records = rest;
    }
}

/// A record that checks out, read where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordView<'a> {
    lsn: Lsn,
    group: u32,
    /// All of them well formed.
    effects: &'a [u8],
}

/// Why bytes are not the record they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordFault {
    #[error("a record of {given} bytes where {left} are left")]
    Length { given: u32, left: usize },
    #[error("a record with checksum {found:#010x} whose bytes make {computed:#010x}")]
    Checksum { found: u32, computed: u32 },
    #[error("the record at position {found} where {expected} comes next", found = found.get(), expected = expected.get())]
    Position { found: Lsn, expected: Lsn },
    /// The record was written like this.
    #[error("the record at position {lsn}, whose checksum is right, and {fault}", lsn = lsn.get())]
    Effects { lsn: Lsn, fault: Malformed },
}

impl<'a> RecordView<'a> {
    /// Takes the record at position `expected` off the front of `bytes`, and checks all of it.
    ///
    /// # Errors
    /// [`RecordFault`]; then `bytes` means nothing.
    pub(crate) fn take(bytes: &mut &'a [u8], expected: Lsn) -> Result<Self, RecordFault> {
        let left = bytes.len();
        let given = take_u32(&mut { *bytes }).unwrap_or(0);
        let length = usize::try_from(given).unwrap_or(usize::MAX);
        let is_possible = (RECORD_BYTES_MIN..=RECORD_BYTES_MAX).contains(&length);
        let record = match bytes.split_at_checked(length) {
            Some((record, rest)) if is_possible => {
                *bytes = rest;
                record
            }
            _ => return Err(RecordFault::Length { given, left }),
        };
        let (found, computed) = checksums(record);
        if found != computed {
            return Err(RecordFault::Checksum { found, computed });
        }
        let view = Self::of_checked(record).ok_or(RecordFault::Length { given, left })?;
        let lsn = view.lsn;
        if lsn != expected {
            return Err(RecordFault::Position { found: lsn, expected });
        }
        let mut effects = view.effects;
        while !effects.is_empty() {
            take_effect(&mut effects).map_err(|fault| RecordFault::Effects { lsn, fault })?;
        }
        Ok(view)
    }

    /// Takes a record that [`take`](Self::take) has checked before off the front of `bytes`; `None` when
    /// there are none left.
    pub(crate) fn take_checked(bytes: &mut &'a [u8]) -> Option<Self> {
        let length = usize::try_from(take_u32(&mut { *bytes }).ok()?).ok()?;
        Self::of_checked(take(bytes, length).ok()?)
    }

    fn of_checked(record: &'a [u8]) -> Option<Self> {
        let (_, mut rest) = record.split_at_checked(UNCOVERED_BYTES)?;
        let lsn = Lsn::new(take_u64(&mut rest).ok()?);
        let group = take_u32(&mut rest).ok()?;
        Some(Self { lsn, group, effects: rest })
    }

    /// The record's position.
    pub(crate) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The replication group.
    pub(crate) fn group(&self) -> u32 {
        self.group
    }

    /// The effects, in their order; at least one. Nothing is copied.
    pub(crate) fn effects(&self) -> impl Iterator<Item = Effect<'a>> + use<'a> {
        self.effects_and_bytes().map(|(effect, _)| effect)
    }

    /// The effects, each with the bytes it was read from.
    pub(crate) fn effects_and_bytes(
        &self,
    ) -> impl Iterator<Item = (Effect<'a>, &'a [u8])> + use<'a> {
        let mut rest = self.effects;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let before = rest;
            let effect = take_effect(&mut rest).ok()?;
            let (bytes, _) = before.split_at_checked(before.len() - rest.len())?;
            Some((effect, bytes))
        })
    }
}

/// The checksum that a record has and the one it should have.
fn checksums(record: &[u8]) -> (u32, u32) {
    let Some((head, covered)) = record.split_first_chunk::<16>() else { return (0, 1) };
    let [_, _, _, _, c0, c1, c2, c3, position @ ..] = head;
    let found = u32::from_le_bytes([*c0, *c1, *c2, *c3]);
    (found, crc32c_append(crc32c(covered), position))
}

#[cfg(test)]
mod tests {
    use kv_core::testing::OwnedEffect;
    use kv_core::{Change, DeleteCause, VALUE_BYTES_HARD_MAX, Version};
    use proptest::prelude::*;

    use super::*;
    use crate::format::effect::tests::any_effect;

    fn effect<'a>(key: &'a [u8], change: Change<'a>) -> Effect<'a> {
        Effect { shard: 1, version: Version::new(2), key, change }
    }

    fn record(effects: &[Effect<'_>], lsn: u64) -> Vec<u8> {
        let mut out = b"before".to_vec();
        let record = Record { group: 7, effects };
        let bytes = record_bytes(&record).unwrap();
        put_record(&mut out, &record, bytes, Lsn::new(lsn));
        out.drain(..6);
        assert_eq!(out.len(), bytes as usize);
        seal(&mut out);
        out
    }

    #[test]
    fn every_byte_is_where_the_page_says() {
        let bytes = record(&[effect(b"", Change::Clear)], 0x0102_0304_0506_0708);
        assert_eq!(bytes.len(), RECORD_BYTES_MIN);
        assert_eq!(bytes[..4], [31, 0, 0, 0]);
        assert_eq!(
            bytes[4..8],
            crc32c::crc32c(&[&bytes[16..], &bytes[8..16]].concat()).to_le_bytes()
        );
        assert_eq!(bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(bytes[16..20], [7, 0, 0, 0]);
        assert_eq!(bytes[20..], [6, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_record_costs_less_than_forty_bytes_beyond_key_and_value() {
        let expiry = Some(kv_core::UnixMillis::new(1));
        let bytes = record(&[effect(&[0; 20], Change::Put { value: &[0; 200], expiry })], 1);
        assert_eq!(bytes.len() - 220, 40);
        let bytes = record(&[effect(&[0; 20], Change::Put { value: &[0; 100], expiry: None })], 1);
        assert_eq!(bytes.len() - 120, 33);
    }

    #[test]
    fn records_are_bounded() {
        let value = vec![0; VALUE_BYTES_HARD_MAX];
        let put = effect(b"k", Change::Put { value: &value, expiry: None });
        let refused = record_bytes(&Record { group: 0, effects: &[put, put] }).unwrap_err();
        assert!(refused.given > RECORD_BYTES_MAX);
        assert!(record_bytes(&Record { group: 0, effects: &[put] }).is_ok());
    }

    #[test]
    fn faults_are_told_apart() {
        let delete = effect(b"key", Change::Delete(DeleteCause::Request));
        let good = record(&[delete], 5);
        let take = |bytes: &[u8], lsn| RecordView::take(&mut { bytes }, Lsn::new(lsn)).map(|_| ());
        assert_eq!(take(&good, 5), Ok(()));
        let (found, expected) = (Lsn::new(5), Lsn::new(6));
        assert_eq!(take(&good, 6), Err(RecordFault::Position { found, expected }));
        assert!(matches!(take(&good[..good.len() - 1], 5), Err(RecordFault::Length { .. })));
        assert!(matches!(take(&[0; 64], 5), Err(RecordFault::Length { given: 0, left: 64 })));
        let mut bad = good.clone();
        bad[30] ^= 1;
        assert!(matches!(take(&bad, 5), Err(RecordFault::Checksum { .. })));
        // Right checksum, no such kind.
        let mut bad = good;
        bad[20] = 0xff;
        let checksum = crc32c::crc32c(&[&bad[16..], &bad[8..16]].concat());
        bad[4..8].copy_from_slice(&checksum.to_le_bytes());
        assert!(matches!(take(&bad, 5), Err(RecordFault::Effects { .. })));
    }

    #[test]
    fn a_row_of_records_is_sealed_like_each_of_them() {
        let delete = effect(b"key", Change::Delete(DeleteCause::Request));
        let clear = effect(b"", Change::Clear);
        let sealed = [record(&[delete], 1), record(&[clear, delete], 2), record(&[clear], 3)];
        let mut row = sealed.concat();
        let mut start = 0;
        for record in &sealed {
            row[start + 4..start + 8].fill(0);
            start += record.len();
        }
        seal_all(&mut row);
        assert_eq!(row, sealed.concat());
        let mut placed = sealed[0].clone();
        place(&mut placed, Lsn::new(7));
        seal(&mut placed);
        assert_eq!(placed, record(&[delete], 7));
    }

    proptest! {
        #[test]
        fn records_survive(
            effects in prop::collection::vec(any_effect(), 1..5),
            lsn: u64,
            after: Vec<u8>,
        ) {
            let effects: Vec<_> = effects.iter().map(OwnedEffect::as_effect).collect();
            let record = record(&effects, lsn);
            let bytes = [record.as_slice(), &after].concat();
            let mut rest = bytes.as_slice();
            let view = RecordView::take(&mut rest, Lsn::new(lsn)).unwrap();
            prop_assert_eq!(rest, after.as_slice());
            prop_assert_eq!((view.lsn().get(), view.group()), (lsn, 7));
                prop_assert_eq!(view.effects().collect::<Vec<_>>(), effects);
        }

        #[test]
        fn a_flipped_bit_is_noticed(
            effects in prop::collection::vec(any_effect(), 1..3),
            flip: prop::sample::Index,
        ) {
            let effects: Vec<_> = effects.iter().map(OwnedEffect::as_effect).collect();
            let mut bytes = record(&effects, 9);
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(RecordView::take(&mut bytes.as_slice(), Lsn::new(9)).is_err());
        }

        #[test]
        fn random_bytes_are_no_record(bytes: Vec<u8>, lsn: u64) {
            prop_assert!(RecordView::take(&mut bytes.as_slice(), Lsn::new(lsn)).is_err());
        }
    }
}

//! How many operations or keys a message has, seen while it arrives. They are counted before they are decoded,
//! because an operation of two bytes becomes a hundred times as much in memory.

use kv_core::StoreError;

use super::framing::Framing;
use crate::contract::Refusal;

/// Longest varint: 64 bits, 7 in each byte.
const VARINT_BYTES_MAX: u32 = 10;

/// Counts what is repeated in the messages of a call.
#[derive(Debug)]
pub(crate) struct Counter {
    framing: Framing,
    max: usize,
    walk: Walk,
}

/// A message with too many: it is complete with the piece that begins here in what was looked at last.
#[derive(Debug)]
pub(crate) struct Excess {
    pub(crate) at: usize,
    pub(crate) refusal: Refusal,
}

/// A walk through the fields of one message.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// The numbers of the fields that lead to what is counted, one inside the other.
    path: &'static [u64],
    count: usize,
    /// Bytes that are left of the message inside the message, once on the way in it.
    inside: Option<u64>,
    /// Groups that have begun and not ended. Nothing of the contract is in one.
    groups: u32,
    reading: Reading,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// The number and type of a field.
    Key(Varint),
    /// The length of a field with this number.
    Length(u64, Varint),
    /// A number that is skipped.
    Number,
    /// So many bytes that are skipped.
    Content(u64),
    /// Nothing that could be decoded.
    Garbage,
}

/// A number of which some bytes have been read.
#[derive(Debug, Clone, Copy, Default)]
struct Varint {
    value: u64,
    bytes: u32,
}

impl Counter {
    /// Counts what the fields `path` lead to, which may be `max` in one message.
    pub(crate) fn new(path: &'static [u64], max: usize) -> Self {
        Self { framing: Framing::default(), max, walk: Walk::new(path) }
    }

    /// Goes on with what has arrived, up to the end of the first message that has too many.
    pub(crate) fn advance(&mut self, data: &[u8]) -> Result<(), Excess> {
        let mut rest = data;
        loop {
            let at = data.len() - rest.len();
            let Some(piece) = self.framing.take(&mut rest) else {
                return Ok(());
            };
            self.walk.advance(piece.content);
            if piece.is_last {
                let next = Walk::new(self.walk.path);
                let given = std::mem::replace(&mut self.walk, next).count;
                if given > self.max {
                    let refusal = StoreError::BatchTooLarge { given, max: self.max }.into();
                    return Err(Excess { at, refusal });
                }
            }
        }
    }
}

impl Walk {
    fn new(path: &'static [u64]) -> Self {
        let reading = Reading::Key(Varint::default());
        Self { path, count: 0, inside: None, groups: 0, reading }
    }

    fn advance(&mut self, mut data: &[u8]) {
        while let Some((byte, rest)) = data.split_first() {
            let taken = match &mut self.reading {
                Reading::Garbage => return,
                Reading::Content(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                    *left -= taken as u64;
                    taken
                }
                _ => 1,
            };
            data = data.get(taken..).unwrap_or(rest);
            let ended = self.inside.is_some_and(|left| left < taken as u64);
            self.inside = self.inside.map(|left| left.saturating_sub(taken as u64));
            self.reading = if ended { Reading::Garbage } else { self.next(*byte) };
            if self.inside == Some(0) && matches!(self.reading, Reading::Key(_)) {
                self.inside = None;
            }
        }
    }

    /// What comes after this byte.
    fn next(&mut self, byte: u8) -> Reading {
        match self.reading {
            Reading::Key(mut key) => match key.push(byte) {
                None => Reading::Garbage,
                Some(false) => Reading::Key(key),
                Some(true) => self.field(key.value >> 3, key.value & 7),
            },
            Reading::Length(field, mut length) => match length.push(byte) {
                None => Reading::Garbage,
                Some(false) => Reading::Length(field, length),
                Some(true) => self.content(field, length.value),
            },
            Reading::Number if byte & 0x80 != 0 => Reading::Number,
            Reading::Content(left) if left > 0 => Reading::Content(left),
            Reading::Number | Reading::Content(_) => Reading::Key(Varint::default()),
            Reading::Garbage => Reading::Garbage,
        }
    }

    /// What comes after the key of a field, by its wire type.
    fn field(&mut self, field: u64, wire_type: u64) -> Reading {
        match wire_type {
            0 => Reading::Number,
            1 => Reading::Content(8),
            2 => Reading::Length(field, Varint::default()),
            3 => {
                self.groups = self.groups.saturating_add(1);
                Reading::Key(Varint::default())
            }
            4 => {
                self.groups = self.groups.saturating_sub(1);
                Reading::Key(Varint::default())
            }
            5 => Reading::Content(4),
            _ => Reading::Garbage,
        }
    }

    /// What comes after the length of a field.
    fn content(&mut self, field: u64, length: u64) -> Reading {
        let depth = usize::from(self.inside.is_some());
        let leads_on = self.groups == 0 && self.path.get(depth) == Some(&field);
        let is_counted = leads_on && depth + 1 == self.path.len();
        self.count += usize::from(is_counted);
        if leads_on && !is_counted && length > 0 {
            self.inside = Some(length);
        } else if length > 0 {
            return Reading::Content(length);
        }
        Reading::Key(Varint::default())
    }
}

impl Varint {
    /// Takes another byte; tells whether it was the last. `None`: it is too long.
    fn push(&mut self, byte: u8) -> Option<bool> {
        if self.bytes == VARINT_BYTES_MAX {
            return None;
        }
        self.value |= u64::from(byte & 0x7f).wrapping_shl(7 * self.bytes);
        self.bytes += 1;
        Some(byte & 0x80 == 0)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kv_proto::v1::{self, BatchGetRequest, BatchWriteRequest, PipelineRequest, op};
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    const MAX: usize = 5;

    /// A message with what stands before it in a stream.
    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], message].concat()
    }

    fn batch(ops: usize, key: &[u8]) -> BatchWriteRequest {
        let get = v1::GetRequest { key: Bytes::copy_from_slice(key) };
        let op = v1::Op { op: Some(op::Op::Get(get)) };
        BatchWriteRequest { ops: vec![op; ops].into(), atomic: true, durability: 300 }
    }

    fn pipelined(ops: usize, key: &[u8]) -> Vec<u8> {
        PipelineRequest { batch: Some(batch(ops, key)), tag: u64::MAX }.encode_to_vec()
    }

    fn given(counted: Result<(), Excess>) -> Option<(usize, usize)> {
        let Excess { at, refusal } = counted.err()?;
        match refusal {
            Refusal::Store(StoreError::BatchTooLarge { given, max: MAX }) => Some((at, given)),
            other => panic!("{other}"),
        }
    }

    /// The last byte of the message of `MAX + 1` in the middle is where it is refused.
    #[test]
    fn the_first_message_with_too_many_is_found_however_it_is_cut() {
        let messages = [pipelined(MAX, b"key"), pipelined(MAX + 1, b""), pipelined(9, b"k")];
        let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        let end = 2 * 5 + messages[0].len() + messages[1].len();
        for cut in 0..end {
            let mut counter = Counter::new(&[1, 1], MAX);
            assert_eq!(given(counter.advance(&stream[..cut])), None, "{cut}");
            let (at, given) = given(counter.advance(&stream[cut..])).expect("too many");
            assert!(given == MAX + 1 && cut + at < end, "{given} at {at} after {cut}");
        }
    }

    #[test]
    fn keys_and_operations_that_are_not_in_a_stream_are_counted_too() {
        let keys = |count| BatchGetRequest { keys: vec![Bytes::from_static(b"k"); count] };
        for (count, found) in [(0, None), (MAX, None), (MAX + 2, Some(MAX + 2))] {
            for message in [keys(count).encode_to_vec(), batch(count, b"key").encode_to_vec()] {
                let counted = Counter::new(&[1], MAX).advance(&framed(&message));
                assert_eq!(given(counted).map(|(_at, given)| given), found);
            }
        }
    }

    #[test]
    fn what_the_contract_does_not_know_hides_nothing() {
        let unknown: [&[u8]; 5] = [
            &[0x38, 0xff, 0x01],
            &[0x39, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x3d, 1, 2, 3, 4],
            &[0x3a, 2, 0x0a, 0x00],
            // A group, with another and what looks like operations in it.
            &[0x3b, 0x0a, 0x00, 0x43, 0x44, 0x0a, 0x00, 0x3c],
        ];
        let message = unknown.map(|field| [field, &[0x0a, 0x00][..]].concat()).concat();
        assert_eq!(BatchWriteRequest::decode(&message[..]).unwrap().ops.len(), MAX);
        assert_eq!(given(Counter::new(&[1], MAX).advance(&framed(&message))), None);
        let longer = [message, vec![0x0a, 0x00]].concat();
        let counted = Counter::new(&[1], MAX).advance(&framed(&longer));
        assert_eq!(given(counted).map(|(_at, given)| given), Some(MAX + 1));
    }

    proptest! {
        /// Whatever can be decoded, malformed by chance or not, has as many operations as were counted.
        #[test]
        fn as_many_are_counted_as_are_decoded(
            batches in prop::collection::vec((0..20_usize, prop::collection::vec(any::<u8>(), 0..9)), 0..4),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let mut message: Vec<u8> =
                batches.iter().flat_map(|(ops, key)| pipelined(*ops, key)).collect();
            for (place, byte) in changes {
                if !message.is_empty() {
                    *place.get_mut(&mut message) = byte;
                }
            }
            let mut walk = Walk::new(&[1, 1]);
            walk.advance(&message);
            if let Ok(decoded) = PipelineRequest::decode(&message[..]) {
                prop_assert_eq!(walk.count, decoded.batch.map_or(0, |batch| batch.ops.len()));
            }
        }
    }
}

//! How much fits in one message, and what is left of a batch's answer while it grows.

/// Bytes that any message needs beside one key and one value: tags, lengths, version, TTL, cursor.
pub(crate) const MESSAGE_ROOM_BYTES: usize = 128;

/// Bytes set aside for each result of a batch.
const RESULT_ROOM_BYTES: usize = 128;

/// Length of a value that the room set aside for its result covers, beside tags, version and TTL.
const VALUE_BYTES_COVERED: usize = 80;

/// Length of an error text that the room set aside for its result covers, beside tags and code.
const ERROR_BYTES_COVERED: usize = 112;

/// What is left of an answer for values and error texts beyond what is set aside for every result.
#[derive(Debug)]
pub(crate) struct AnswerRoom {
    left: usize,
    exhausted: bool,
    uncertain: bool,
}

impl AnswerRoom {
    /// The room in an answer of `results` results and at most `message_bytes_max` bytes.
    pub(crate) fn new(message_bytes_max: usize, results: usize) -> Self {
        let aside = MESSAGE_ROOM_BYTES.saturating_add(results.saturating_mul(RESULT_ROOM_BYTES));
        let left = message_bytes_max.checked_sub(aside);
        Self { left: left.unwrap_or(0), exhausted: false, uncertain: left.is_none() }
    }

    /// Takes room for a value; `false` when there is not enough, and then no later value should be read.
    pub(crate) fn take_value(&mut self, bytes: usize) -> bool {
        let fits = self.take(bytes.saturating_sub(VALUE_BYTES_COVERED));
        self.exhausted |= !fits;
        fits
    }

    /// Takes room for an error text, which is given in any case.
    pub(crate) fn take_error(&mut self, bytes: usize) {
        if !self.take(bytes.saturating_sub(ERROR_BYTES_COVERED)) {
            self.uncertain = true;
        }
    }

    /// Says that something was answered for which there was not enough room.
    pub(crate) fn overdraw(&mut self) {
        self.uncertain = true;
    }

    /// Whether a value did not fit.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Whether the whole answer may be too long all the same, so that its length must be looked at.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kv_proto::v1::{
        BatchWriteResponse, OpError, OpResult, PipelineResponse, SetResponse, op_result,
    };
    use prost::Message as _;

    use super::*;

    /// The longest answer of one result, without the bytes of `result`'s value or text.
    fn longest(result: op_result::Result) -> usize {
        let results = vec![OpResult { result: Some(result) }].into();
        let batch =
            BatchWriteResponse { applied: true, results, achieved: 3, ..Default::default() };
        PipelineResponse { batch: Some(batch), tag: u64::MAX }.encoded_len()
    }

    #[test]
    fn what_is_set_aside_covers_the_longest_answers() {
        let aside = MESSAGE_ROOM_BYTES + RESULT_ROOM_BYTES;
        for bytes in [0, VALUE_BYTES_COVERED, 1 << 20] {
            let set = SetResponse {
                applied: true,
                version: u64::MAX,
                ttl_ms: Some(i64::MAX),
                previous: Some(Bytes::from(vec![0; bytes])),
                achieved: 3,
            };
            let beyond = bytes.saturating_sub(VALUE_BYTES_COVERED);
            assert!(
                longest(op_result::Result::Set(set)) <= aside + beyond,
                "value of {bytes} bytes"
            );
        }
        for bytes in [0, ERROR_BYTES_COVERED, 1 << 20] {
            let error = OpError { code: 16, reason: 99, message: "x".repeat(bytes) };
            let beyond = bytes.saturating_sub(ERROR_BYTES_COVERED);
            assert!(
                longest(op_result::Result::Error(error)) <= aside + beyond,
                "text of {bytes} bytes"
            );
        }
    }

    #[test]
    fn room_is_taken_to_the_last_byte_and_not_beyond() {
        let mut room = AnswerRoom::new(MESSAGE_ROOM_BYTES + 2 * RESULT_ROOM_BYTES + 10, 2);
        assert!(room.take_value(VALUE_BYTES_COVERED + 10) && !room.is_exhausted());
        assert!(room.take_value(VALUE_BYTES_COVERED) && !room.is_exhausted());
        assert!(!room.take_value(VALUE_BYTES_COVERED + 1) && room.is_exhausted());
        room.take_error(ERROR_BYTES_COVERED);
        assert!(!room.is_uncertain());
        room.take_error(ERROR_BYTES_COVERED + 1);
        assert!(room.is_uncertain());
    }

    #[test]
    fn more_results_than_fit_for_sure_are_uncertain_from_the_start() {
        let limit = MESSAGE_ROOM_BYTES + RESULT_ROOM_BYTES;
        assert!(!AnswerRoom::new(limit, 1).is_uncertain());
        assert!(AnswerRoom::new(limit - 1, 1).is_uncertain());
        assert!(AnswerRoom::new(limit, usize::MAX).is_uncertain());
    }
}

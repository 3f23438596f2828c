//! The reader of RESP replies: any bytes, in pieces of any size.
//!
//! What must hold: no panic, no memory for parts that did not arrive, and the same replies and refusal at any
//! split.

#![no_main]

use kv_resp::{ReplyDecoder, ReplyError, ReplyLimits, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[piece, line], input)) = data.split_first_chunk() else { return };
    let limits = ReplyLimits { line_bytes_max: 2 + usize::from(line), ..ReplyLimits::default() };
    let whole = decode(limits, input, input.len().max(1));
    let in_pieces = decode(limits, input, usize::from(piece).max(1));
    // Doubles that are not numbers equal nothing; their text does.
    assert_eq!(format!("{whole:?}"), format!("{in_pieces:?}"));
});

fn decode(limits: ReplyLimits, input: &[u8], piece: usize) -> (Vec<Value>, Option<ReplyError>) {
    let mut decoder = ReplyDecoder::new(limits);
    let (mut arrived, mut values) = (Vec::new(), Vec::new());
    for piece in input.chunks(piece) {
        arrived.extend_from_slice(piece);
        loop {
            match decoder.decode(&arrived) {
                Ok((value, read)) => {
                    arrived.drain(..read);
                    let Some(value) = value else { break };
                    values.push(value);
                }
                Err(error) => return (values, Some(error)),
            }
        }
    }
    (values, None)
}

//! The reader of RESP requests: any bytes, in pieces of any size.
//!
//! What must hold: no panic, no argument that did not arrive, and the same commands and refusal at any split.

#![no_main]

use kv_resp::{Batch, Decoder, Limits, ProtocolError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[piece, commands_max, line], input)) = data.split_first_chunk() else { return };
    let limits = Limits { line_bytes_max: 2 + usize::from(line), ..Limits::default() };
    let whole = decode(limits, input, input.len().max(1), usize::MAX);
    let in_pieces =
        decode(limits, input, usize::from(piece).max(1), usize::from(commands_max).max(1));
    assert_eq!(whole, in_pieces);
});

type Found = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

fn decode(limits: Limits, input: &[u8], piece: usize, commands_max: usize) -> Found {
    let mut decoder = Decoder::new(limits);
    let (mut arrived, mut commands) = (Vec::new(), Vec::new());
    for piece in input.chunks(piece) {
        arrived.extend_from_slice(piece);
        loop {
            let batch = decoder.decode(&arrived, commands_max);
            take(&batch, &mut commands);
            if batch.error().is_some() {
                return (commands, batch.error());
            }
            let (is_full, consumed) = (batch.len() == commands_max, batch.consumed());
            arrived.drain(..consumed);
            if !is_full {
                break;
            }
        }
    }
    (commands, None)
}

fn take(batch: &Batch<'_>, commands: &mut Vec<Vec<Vec<u8>>>) {
    for command in batch {
        assert!(command.len() > 0);
        commands.push(command.args().map(<[u8]>::to_vec).collect());
    }
}

//! Requests: any split of any pipeline gives the same commands, limits hold to the byte, and nothing panics.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use kv_resp::{Batch, Decoder, Encoder, Limits, ProtocolError, Version};
use proptest::prelude::*;

type Args = Vec<Vec<u8>>;

fn owned(batch: &Batch<'_>) -> Vec<Args> {
    let commands: Vec<Args> =
        batch.iter().map(|command| command.args().map(<[u8]>::to_vec).collect()).collect();
    assert_eq!(commands.len(), batch.len());
    for (command, args) in batch.iter().zip(&commands) {
        assert_eq!(command.len(), args.len());
        assert_eq!(command.name(), args.first().unwrap());
        let backwards: Args = command.args().rev().map(<[u8]>::to_vec).collect();
        assert!(backwards.iter().rev().eq(args));
        assert_eq!(command.arg(args.len()), None);
    }
    commands
}

/// What a decoder finds in `pieces` that arrive one by one, looking for `commands_max` at a time.
fn decode(
    limits: Limits,
    pieces: &[&[u8]],
    commands_max: usize,
) -> (Vec<Args>, Option<ProtocolError>) {
    let mut decoder = Decoder::new(limits);
    let (mut input, mut commands) = (Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let batch = decoder.decode(&input, commands_max);
            assert!(batch.len() <= commands_max);
            commands.extend(owned(&batch));
            if batch.error().is_some() {
                return (commands, batch.error());
            }
            let (is_full, consumed) = (batch.len() == commands_max, batch.consumed());
            input.drain(..consumed);
            if !is_full {
                break;
            }
        }
    }
    (commands, None)
}

fn decode_whole(limits: Limits, input: &[u8]) -> (Vec<Args>, Option<ProtocolError>) {
    decode(limits, &[input], usize::MAX)
}

fn request(args: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, Version::Resp2);
    encoder.array(args.len());
    for arg in args {
        encoder.bulk(arg);
    }
    bytes
}

/// The pieces of `bytes` between `cuts`, of which each is a share of the length.
fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn multibulk() -> impl Strategy<Value = (Vec<u8>, Option<Args>)> {
    let arg = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(prop::sample::select(b"*$\r\n10".to_vec()), 0..12),
        prop::collection::vec(any::<u8>(), 90..120),
    ];
    prop::collection::vec(arg, 1..6).prop_map(|args| (request(&args), Some(args)))
}

fn inline() -> impl Strategy<Value = (Vec<u8>, Option<Args>)> {
    (prop::collection::vec("[a-z]{1,8}", 1..4), "\r?\n").prop_map(|(words, end)| {
        let line = words.join(" ") + &end;
        (line.into_bytes(), Some(words.into_iter().map(String::into_bytes).collect()))
    })
}

fn quoted() -> impl Strategy<Value = (Vec<u8>, Option<Args>)> {
    prop::collection::vec(any::<u8>(), 0..12).prop_map(|value| {
        let escaped: String =
            value.iter().fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"));
        (format!("SET  \"{escaped}\" \r\n").into_bytes(), Some(vec![b"SET".to_vec(), value]))
    })
}

fn nothing() -> impl Strategy<Value = (Vec<u8>, Option<Args>)> {
    prop::sample::select(vec![
        "\r\n",
        "\n",
        "  \r\n",
        "*0\r\n",
        "*-1\r\n",
        "*-9223372036854775808\r\n",
    ])
    .prop_map(|text| (text.as_bytes().to_vec(), None))
}

fn piece_of_pipeline() -> impl Strategy<Value = (Vec<u8>, Option<Args>)> {
    prop_oneof![4 => multibulk(), 1 => inline(), 1 => quoted(), 1 => nothing()]
}

/// Bytes that look like requests, mostly.
fn nearly_a_request() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "*",
            "$",
            "\r\n",
            "\r",
            "\n",
            "*1\r\n",
            "*2\r\n",
            "$1\r\n",
            "$0\r\n",
            "a",
            "1",
            "-1",
            "\"",
            "'",
            " ",
            "\\x",
            "*18446744073709551616\r\n",
            "$536870912\r\n",
            "$536870913\r\n",
            "$3\r\nGET\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_split_of_any_pipeline_gives_the_same_commands(
        pipeline in prop::collection::vec(piece_of_pipeline(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        commands_max in prop_oneof![1_usize..5, Just(usize::MAX)],
    ) {
        let bytes: Vec<u8> = pipeline.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let expected: Vec<Args> = pipeline.into_iter().filter_map(|(_, args)| args).collect();
        let limits = Limits::default();
        let found = decode(limits, &split(&bytes, &cuts), commands_max);
        prop_assert_eq!(&found, &(expected.clone(), None));
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(decode(limits, &bytewise, commands_max), (expected, None));
    }

    #[test]
    fn garbage_is_refused_in_the_same_way_at_any_split(
        bytes in nearly_a_request(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        line_bytes_max in prop_oneof![2_usize..24, Just(65536)],
        request_bytes_max in prop_oneof![2_usize..64, Just(1 << 30)],
    ) {
        let limits = Limits { line_bytes_max, request_bytes_max, ..Limits::default() };
        let expected = decode_whole(limits, &bytes);
        prop_assert_eq!(&decode(limits, &split(&bytes, &cuts), usize::MAX), &expected);
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&decode(limits, &bytewise, 1), &expected);
    }

    #[test]
    fn no_bytes_and_no_broken_contract_make_it_panic(
        inputs in prop::collection::vec(nearly_a_request(), 1..6),
    ) {
        // Each input should begin with the rest of the one before, and does not.
        let mut decoder = Decoder::new(Limits::default());
        for input in inputs {
            let batch = decoder.decode(&input, usize::MAX);
            prop_assert!(batch.consumed() <= input.len());
            let commands = batch.iter().map(|command| command.args().count());
            prop_assert!(commands.sum::<usize>() <= input.len());
        }
    }
}

fn error(limits: Limits, input: &str) -> Option<String> {
    decode_whole(limits, input.as_bytes()).1.map(|error| error.to_string())
}

#[test]
fn refusals_have_the_words_of_redis() {
    let cases = [
        ("*x\r\n", "invalid multibulk length"),
        ("*\r\n", "invalid multibulk length"),
        ("*01\r\n", "invalid multibulk length"),
        ("*9223372036854775808\r\n", "invalid multibulk length"),
        ("*1048577\r\n", "invalid multibulk length"),
        ("*1\r\nX\r\n", "expected '$', got 'X'"),
        ("*1\r\n\r\n", "expected '$', got ' '"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$x\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"),
        ("\"a\r\n", "unbalanced quotes in request"),
    ];
    for (input, expected) in cases {
        let expected = format!("ERR Protocol error: {expected}");
        assert_eq!(error(Limits::default(), input), Some(expected), "{input:?}");
    }
    let line = "1".repeat((64 << 10) + 1);
    let cases = [
        (line.clone(), "too big inline request"),
        (format!("*{line}"), "too big mbulk count string"),
        (format!("*1\r\n${line}"), "too big bulk count string"),
    ];
    for (input, expected) in cases {
        let shorter = input.len() - 2;
        assert_eq!(error(Limits::default(), &input[..shorter]), None, "{expected}");
        let expected = format!("ERR Protocol error: {expected}");
        assert_eq!(error(Limits::default(), &input), Some(expected));
    }
}

#[test]
fn what_precedes_an_error_counts_and_what_follows_does_not() {
    let mut decoder = Decoder::new(Limits::default());
    let batch = decoder.decode(b"PING\r\n*1\r\n$4\r\nECHO\r\n*1\r\n!\r\nPING\r\n", usize::MAX);
    assert_eq!(owned(&batch), [[b"PING".to_vec()], [b"ECHO".to_vec()]]);
    assert_eq!(batch.error(), Some(ProtocolError::ExpectedBulk { got: b'!' }));
    let batch = decoder.decode(b"PING\r\n", usize::MAX);
    assert!(batch.is_empty());
    assert_eq!(batch.error(), Some(ProtocolError::ExpectedBulk { got: b'!' }));
}

#[test]
fn an_error_is_found_when_its_turn_comes() {
    let mut decoder = Decoder::new(Limits::default());
    let input = b"PING\r\n*x\r\n";
    let batch = decoder.decode(input, 1);
    assert_eq!((batch.len(), batch.consumed(), batch.error()), (1, 6, None));
    let batch = decoder.decode(&input[6..], 1);
    assert_eq!((batch.len(), batch.error()), (0, Some(ProtocolError::InvalidCount)));
}

/// One request of `count` arguments of `len` bytes.
fn request_of(count: usize, len: usize) -> Vec<u8> {
    request(&vec![vec![b'a'; len]; count])
}

#[test]
fn limits_hold_at_both_sides_of_each_edge() {
    let limits =
        Limits { args_max: 3, bulk_bytes_max: 5, line_bytes_max: 20, request_bytes_max: 24 };
    let refusal = |input: &[u8]| decode_whole(limits, input).1;
    assert_eq!(refusal(&request_of(3, 0)), None);
    assert_eq!(refusal(&request_of(4, 0)), Some(ProtocolError::InvalidCount));
    assert_eq!(refusal(&request_of(1, 5)), None);
    assert_eq!(refusal(&request_of(1, 6)), Some(ProtocolError::InvalidLength));
    assert_eq!(request_of(2, 4).len(), 24);
    assert_eq!(refusal(&request_of(2, 4)), None);
    assert_eq!(refusal(&request_of(2, 5)), Some(ProtocolError::RequestTooLong));
    let mut inline = b"a".repeat(20);
    assert_eq!(refusal(&inline), None);
    inline.push(b'\n');
    assert_eq!(refusal(&inline), None);
    inline.insert(0, b'a');
    assert_eq!(refusal(&inline), Some(ProtocolError::InlineTooLong));
    // The limit is on each request, not on all of them.
    let many = request_of(2, 4).repeat(100);
    assert_eq!(decode_whole(limits, &many).0.len(), 100);
}

#[test]
fn a_client_that_has_yet_to_authenticate_may_send_little() {
    let refusal = |input: &[u8]| {
        let mut decoder = Decoder::new(Limits::default());
        decoder.set_authenticated(false);
        decoder.decode(input, 1).error().map(|error| error.to_string())
    };
    let count = "ERR Protocol error: unauthenticated multibulk length".to_owned();
    let length = "ERR Protocol error: unauthenticated bulk length".to_owned();
    assert_eq!(refusal(&request_of(10, 1)), None);
    assert_eq!(refusal(&request_of(11, 1)), Some(count));
    assert_eq!(refusal(&request_of(1, 16384)), None);
    assert_eq!(refusal(&request_of(1, 16385)), Some(length));
}

#[test]
fn limits_change_between_commands() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.set_authenticated(false);
    let mut input = request_of(1, 4);
    let first = input.len();
    input.extend(request_of(20, 1));
    assert_eq!(decoder.decode(&input, 1).consumed(), first);
    decoder.set_authenticated(true);
    assert_eq!(decoder.decode(&input[first..], 1).consumed(), input.len() - first);
    decoder.set_limits(Limits { bulk_bytes_max: 3, ..Limits::default() });
    assert_eq!(decoder.decode(&request_of(1, 4), 1).error(), Some(ProtocolError::InvalidLength));
}

#[test]
fn what_is_missing_of_an_argument_is_told() {
    let mut decoder = Decoder::new(Limits::default());
    let mut missing = |input: &[u8]| decoder.decode(input, usize::MAX).missing();
    assert_eq!(missing(b"*2\r\n$3\r\nSET\r\n"), 0);
    assert_eq!(missing(b"*2\r\n$3\r\nSET\r\n$1000\r"), 0);
    assert_eq!(missing(b"*2\r\n$3\r\nSET\r\n$1000\r\n"), 1002);
    assert_eq!(missing(b"*2\r\n$3\r\nSET\r\n$1000\r\nabc"), 999);
    let mut whole = b"*2\r\n$3\r\nSET\r\n$1000\r\n".to_vec();
    whole.extend([b'a'; 1002]);
    assert_eq!(missing(&whole[..whole.len() - 1]), 1);
    assert_eq!(missing(&whole), 0);
}

/// Were a part of it looked at again with every piece, this would take hours.
#[test]
fn large_requests_in_small_pieces_take_linear_time() {
    let many_args = request_of(1 << 18, 1);
    let large_arg = request_of(1, 16 << 20);
    let mut long_line = b"a ".repeat(32 << 10);
    long_line.push(b'\n');
    for input in [many_args, large_arg, long_line] {
        let mut decoder = Decoder::new(Limits::default());
        for arrived in (0..input.len()).step_by(7) {
            let batch = decoder.decode(&input[..arrived], usize::MAX);
            assert_eq!((batch.consumed(), batch.error()), (0, None));
        }
        assert_eq!(decoder.decode(&input, usize::MAX).consumed(), input.len());
    }
}

#[test]
fn a_decoder_may_shrink_at_any_time() {
    let input = request_of(100, 3).repeat(50);
    let mut decoder = Decoder::new(Limits::default());
    let (mut start, mut found) = (0, 0);
    for end in (0..=input.len()).step_by(100) {
        let batch = decoder.decode(&input[start..end], usize::MAX);
        found += batch.len();
        start += batch.consumed();
        decoder.shrink();
    }
    found += decoder.decode(&input[start..], usize::MAX).len();
    assert_eq!(found, 50);
}

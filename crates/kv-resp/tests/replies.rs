//! Replies: what the encoder writes the decoder reads back, at any split; limits hold; nothing panics.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use kv_resp::{Encoder, ReplyDecoder, ReplyError, ReplyLimits, Value, Version};
use proptest::prelude::*;

/// Writes `value` with the method that is meant for it.
fn encode(encoder: &mut Encoder<'_, Vec<u8>>, value: &Value) {
    match value {
        Value::Simple(text) => encoder.simple(std::str::from_utf8(text).unwrap()),
        Value::Error(text) => encoder.error(text),
        Value::Integer(number) => encoder.integer(*number),
        Value::Bulk(bytes) => encoder.bulk(bytes),
        Value::NullBulk | Value::Null => encoder.null(),
        Value::NullArray => encoder.null_array(),
        Value::Double(number) => encoder.double(*number),
        Value::Boolean(is_true) => encoder.boolean(*is_true),
        Value::BigNumber(digits) => encoder.big_number(std::str::from_utf8(digits).unwrap()),
        Value::Verbatim { format, text } => encoder.verbatim(*format, text),
        Value::Map(pairs) => {
            encoder.map(pairs.len());
            pairs
                .iter()
                .flat_map(|(key, value)| [key, value])
                .for_each(|part| encode(encoder, part));
        }
        Value::Array(parts) => encode_list(encoder, parts, Encoder::array),
        Value::Set(parts) => encode_list(encoder, parts, Encoder::set),
        Value::Push(parts) => encode_list(encoder, parts, Encoder::push),
        Value::Attributed { .. } => unreachable!("the encoder writes none"),
    }
}

fn encode_list<'a>(
    encoder: &mut Encoder<'a, Vec<u8>>,
    parts: &[Value],
    begin: impl Fn(&mut Encoder<'a, Vec<u8>>, usize),
) {
    begin(encoder, parts.len());
    for part in parts {
        encode(encoder, part);
    }
}

/// What is left of a value that is sent to a client of RESP2.
fn in_resp2(value: Value) -> Value {
    let all = |parts: Vec<Value>| parts.into_iter().map(in_resp2).collect();
    match value {
        Value::Null => Value::NullBulk,
        Value::Boolean(is_true) => Value::Integer(i64::from(is_true)),
        Value::BigNumber(digits) => Value::Bulk(digits),
        Value::Verbatim { text, .. } => Value::Bulk(text),
        Value::Array(parts) | Value::Set(parts) | Value::Push(parts) => Value::Array(all(parts)),
        Value::Map(pairs) => Value::Array(
            pairs.into_iter().flat_map(|(key, value)| [in_resp2(key), in_resp2(value)]).collect(),
        ),
        other => other,
    }
}

/// Any value that RESP3 has and the encoder writes. Doubles that are not numbers equal nothing: not here.
fn value() -> impl Strategy<Value = Value> {
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        "[ -~é]{0,12}".prop_map(|text| Value::Simple(text.into_bytes())),
        "[A-Z]{1,4} [ -~]{0,12}".prop_map(|text| Value::Error(text.into_bytes())),
        any::<i64>().prop_map(Value::Integer),
        bytes.clone().prop_map(Value::Bulk),
        Just(Value::Null),
        any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
        "[-+]?[0-9]{1,30}".prop_map(|text| Value::BigNumber(text.into_bytes())),
        bytes.prop_map(|text| Value::Verbatim { format: *b"txt", text }),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            parts.clone().prop_map(Value::Array),
            parts.clone().prop_map(Value::Set),
            parts.prop_map(Value::Push),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

/// All replies in `pieces` that arrive one by one, and the refusal of what follows them.
fn decode(limits: ReplyLimits, pieces: &[&[u8]]) -> (Vec<Value>, Option<ReplyError>) {
    let mut decoder = ReplyDecoder::new(limits);
    let (mut input, mut values) = (Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&input) {
                Ok((value, read)) => {
                    input.drain(..read);
                    let Some(value) = value else { break };
                    values.push(value);
                }
                Err(error) => return (values, Some(error)),
            }
        }
    }
    (values, None)
}

fn decode_whole(limits: ReplyLimits, input: &[u8]) -> (Vec<Value>, Option<ReplyError>) {
    decode(limits, &[input])
}

fn two_pieces(bytes: &[u8], cut: prop::sample::Index) -> [&[u8]; 2] {
    let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
    [first, second]
}

fn nearly_a_reply() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "+OK\r\n",
            "-ERR\r\n",
            ":1\r\n",
            ":x\r\n",
            "$1\r\na\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "_\r\n",
            "#t\r\n",
            ",1e5\r\n",
            ",inf\r\n",
            ",\r\n",
            "(12\r\n",
            "=5\r\ntxt:a\r\n",
            "=1\r\na\r\n",
            "!3\r\nERR\r\n",
            "*2\r\n",
            "%1\r\n",
            "~1\r\n",
            ">1\r\n",
            "|1\r\n",
            "*0\r\n",
            "%0\r\n",
            "|0\r\n",
            "*",
            "\r\n",
            "9",
            "*9223372036854775807\r\n",
            "%9223372036854775807\r\n",
            "$9223372036854775807\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(token, 0..16).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        values in prop::collection::vec(value(), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        for value in &values {
            encode(&mut Encoder::new(&mut bytes, Version::Resp3), value);
        }
        let pieces = two_pieces(&bytes, cut);
        prop_assert_eq!(&decode(ReplyLimits::default(), &pieces), &(values.clone(), None));
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&decode(ReplyLimits::default(), &bytewise), &(values, None));
    }

    #[test]
    fn resp2_reads_back_as_what_it_has(value in value()) {
        let mut bytes = Vec::new();
        encode(&mut Encoder::new(&mut bytes, Version::Resp2), &value);
        let (found, refusal) = decode_whole(ReplyLimits::default(), &bytes);
        prop_assert_eq!(refusal, None);
        let [found] = <[Value; 1]>::try_from(found).unwrap();
        prop_assert_eq!(doubles_as_text(in_resp2(value)), found);
    }

    #[test]
    fn garbage_is_refused_in_the_same_way_at_any_split(
        bytes in nearly_a_reply(),
        cut in any::<prop::sample::Index>(),
    ) {
        let limits = ReplyLimits { depth_max: 4, line_bytes_max: 24, ..ReplyLimits::default() };
        // Doubles that are not numbers equal nothing, their text does.
        let whole = format!("{:?}", decode_whole(limits, &bytes));
        prop_assert_eq!(&format!("{:?}", decode(limits, &two_pieces(&bytes, cut))), &whole);
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&format!("{:?}", decode(limits, &bytewise)), &whole);
    }
}

/// Doubles become bulk strings in RESP2. Their text is what RESP3 has after the comma.
fn doubles_as_text(value: Value) -> Value {
    match value {
        Value::Double(number) => {
            let mut line = Vec::new();
            Encoder::new(&mut line, Version::Resp3).double(number);
            Value::Bulk(line[1..line.len() - 2].to_vec())
        }
        Value::Array(parts) => Value::Array(parts.into_iter().map(doubles_as_text).collect()),
        other => other,
    }
}

fn written(version: Version, write: impl Fn(&mut Encoder<'_, Vec<u8>>)) -> String {
    let mut bytes = Vec::new();
    write(&mut Encoder::new(&mut bytes, version));
    String::from_utf8(bytes).unwrap()
}

type Write = fn(&mut Encoder<'_, Vec<u8>>);

#[test]
fn each_reply_is_written_as_redis_writes_it() {
    let cases: [(Write, &str, &str); 20] = [
        (|reply| reply.simple("OK"), "+OK\r\n", "+OK\r\n"),
        (|reply| reply.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
        (|reply| reply.error("\nERR a \r\n"), "-ERR a \r\n", "-ERR a \r\n"),
        (|reply| reply.integer(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
        (|reply| reply.bulk(b"a\r\n"), "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"),
        (|reply| reply.bulk(b""), "$0\r\n\r\n", "$0\r\n\r\n"),
        (|reply| reply.null(), "$-1\r\n", "_\r\n"),
        (|reply| reply.null_array(), "*-1\r\n", "_\r\n"),
        (|reply| reply.array(0), "*0\r\n", "*0\r\n"),
        (|reply| reply.map(2), "*4\r\n", "%2\r\n"),
        (|reply| reply.set(2), "*2\r\n", "~2\r\n"),
        (|reply| reply.push(2), "*2\r\n", ">2\r\n"),
        (|reply| reply.double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"),
        (|reply| reply.double(f64::INFINITY), "$3\r\ninf\r\n", ",inf\r\n"),
        (|reply| reply.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
        (|reply| reply.double(f64::NAN), "$3\r\nnan\r\n", ",nan\r\n"),
        (|reply| reply.boolean(true), ":1\r\n", "#t\r\n"),
        (|reply| reply.boolean(false), ":0\r\n", "#f\r\n"),
        (|reply| reply.big_number("-12"), "$3\r\n-12\r\n", "(-12\r\n"),
        (|reply| reply.verbatim(*b"txt", b"ab"), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"),
    ];
    for (write, resp2, resp3) in cases {
        assert_eq!(written(Version::Resp2, write), resp2);
        assert_eq!(written(Version::Resp3, write), resp3);
    }
}

#[test]
fn a_bulk_string_can_be_written_in_parts() {
    let in_parts = written(Version::Resp2, |reply| {
        reply.bulk_header(3);
        reply.output().extend_from_slice(b"abc");
        reply.bulk_end();
    });
    assert_eq!(in_parts, written(Version::Resp2, |reply| reply.bulk(b"abc")));
}

#[test]
fn a_buffer_of_the_bytes_crate_takes_replies_too() {
    let mut output = bytes::BytesMut::new();
    Encoder::new(&mut output, Version::Resp3).bulk(&[7; 1000]);
    assert_eq!(output.len(), 1000 + "$1000\r\n\r\n".len());
}

#[test]
fn limits_hold_at_both_sides_of_each_edge() {
    let limits = ReplyLimits { bulk_bytes_max: 3, line_bytes_max: 8, parts_max: 2, depth_max: 3 };
    let refusal = |input: &str| decode_whole(limits, input.as_bytes()).1;
    assert_eq!(refusal("$3\r\nabc\r\n"), None);
    assert_eq!(refusal("$4\r\n"), Some(ReplyError::BulkTooLong { given: 4, max: 3 }));
    assert_eq!(refusal("+1234567\r\n"), None);
    assert_eq!(refusal("+12345678\r\n"), Some(ReplyError::LineTooLong { max: 8 }));
    assert_eq!(refusal("+12345678"), Some(ReplyError::LineTooLong { max: 8 }));
    assert_eq!(refusal("*2\r\n"), None);
    assert_eq!(refusal("*3\r\n"), Some(ReplyError::TooManyParts { given: 3, max: 2 }));
    assert_eq!(refusal("%1\r\n"), None);
    assert_eq!(refusal("%2\r\n"), Some(ReplyError::TooManyParts { given: 4, max: 2 }));
    assert_eq!(refusal("*1\r\n*1\r\n:1\r\n"), None);
    assert_eq!(refusal("*1\r\n*1\r\n*0\r\n"), None);
    assert_eq!(refusal("*1\r\n*1\r\n*1\r\n"), Some(ReplyError::TooDeep { max: 3 }));
}

#[test]
fn an_announced_length_costs_nothing() {
    // Each of them would be gigabytes.
    let mut decoder =
        ReplyDecoder::new(ReplyLimits { depth_max: 1 << 10, ..ReplyLimits::default() });
    for _ in 0..1000 {
        assert_eq!(decoder.decode(b"*67108864\r\n"), Ok((None, 11)));
    }
}

#[test]
fn attributes_and_blob_errors_are_understood() {
    let input = b"|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n!5\r\nERR x\r\n";
    let attributes = vec![(Value::Simple(b"ttl".to_vec()), Value::Integer(3))];
    let reply = Box::new(Value::Bulk(b"v".to_vec()));
    let expected = vec![Value::Attributed { attributes, reply }, Value::Error(b"ERR x".to_vec())];
    assert_eq!(decode_whole(ReplyLimits::default(), input), (expected, None));
}

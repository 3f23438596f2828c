//! The hand-written `BatchWriteResponse` and `PipelineResponse` are on the wire what prost derives from the contract.

mod support;

use bytes::Bytes;
use kv_proto::batch::{APART_BYTES_MIN, Results};
use kv_proto::testing as derived;
use kv_proto::v1::{
    AppendResponse, BatchWriteResponse, DeleteResponse, Durability, ExistsResponse, ExpireResponse,
    GetResponse, IncrementResponse, OpError, OpResult, PipelineResponse, SetResponse,
    op_result::Result as OneOf,
};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

fn value() -> impl Strategy<Value = Bytes> {
    let near = APART_BYTES_MIN - 1..=APART_BYTES_MIN + 1;
    let len = prop_oneof![8 => 0..300usize, 1 => near];
    (len, any::<u8>()).prop_map(|(len, byte)| Bytes::from(vec![byte; len]))
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), any::<u64>().prop_map(|bits| bits >> 50)]
}

fn ttl() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), Just(Some(0)), any::<i64>().prop_map(Some)]
}

prop_compose! {
    fn get()(value in prop::option::of(value()), version in number(), ttl_ms in ttl()) -> OneOf {
        OneOf::Get(GetResponse { value, version, ttl_ms })
    }
}

prop_compose! {
    /// The answer to a write that was made.
    fn written()(
        kind in 0..5,
        previous in prop::option::of(value()),
        version in number(),
        ttl_ms in ttl(),
        number in any::<i64>(),
    ) -> OneOf {
        let (applied, achieved) = (true, Durability::Memory as i32);
        match kind {
            0 => OneOf::Set(SetResponse { applied, version, ttl_ms, previous, achieved }),
            1 => OneOf::Delete(DeleteResponse { applied, version, ttl_ms, previous, achieved }),
            2 => OneOf::Increment(IncrementResponse { value: number, version, ttl_ms, achieved }),
            3 => OneOf::Append(AppendResponse { value_bytes: version, version, ttl_ms, achieved }),
            _ => OneOf::Expire(ExpireResponse { applied, version, ttl_ms, achieved }),
        }
    }
}

prop_compose! {
    /// The answer to an operation that wrote nothing.
    fn unwritten()(kind in 0..4, version in number(), ttl_ms in ttl(), text in ".{0,20}") -> OneOf {
        match kind {
            0 => OneOf::Set(SetResponse { version, ttl_ms, ..SetResponse::default() }),
            1 => OneOf::Exists(ExistsResponse { exists: true, version, ttl_ms, value_bytes: 7 }),
            2 => OneOf::Expire(ExpireResponse::default()),
            _ => OneOf::Error(OpError { code: 3, reason: 1, message: text }),
        }
    }
}

fn result() -> impl Strategy<Value = OpResult> {
    let kind = prop_oneof![4 => get().prop_map(Some), 4 => written().prop_map(Some),
        2 => unwritten().prop_map(Some), 1 => Just(None)];
    kind.prop_map(|result| OpResult { result })
}

prop_compose! {
    fn message()(
        applied in any::<bool>(),
        results in vec(result(), 0..12),
        failed_index in prop_oneof![Just(0), any::<u32>()],
        failed_result in prop::option::of(result()),
        achieved in 0..=4,
    ) -> derived::BatchWriteResponse {
        derived::BatchWriteResponse { applied, results, failed_index, failed_result, achieved }
    }
}

fn level() -> impl Strategy<Value = Durability> {
    prop_oneof![Just(Durability::Memory), Just(Durability::Buffered), Just(Durability::Fsync)]
}

fn level_of(result: &mut OneOf) -> Option<&mut i32> {
    match result {
        OneOf::Set(answer) => Some(&mut answer.achieved),
        OneOf::Delete(answer) => Some(&mut answer.achieved),
        OneOf::Increment(answer) => Some(&mut answer.achieved),
        OneOf::Append(answer) => Some(&mut answer.achieved),
        OneOf::Expire(answer) => Some(&mut answer.achieved),
        OneOf::Get(_) | OneOf::Exists(_) | OneOf::Error(_) => None,
    }
}

proptest! {
    #[test]
    fn it_is_encoded_as_it_would_be(derived in message()) {
        let by_hand = BatchWriteResponse::from(derived.clone());
        let encoded = by_hand.encode_to_vec();
        prop_assert_eq!(&encoded, &derived.encode_to_vec());
        prop_assert_eq!(by_hand.encoded_len(), encoded.len());
        prop_assert_eq!(by_hand.results.len(), derived.results.len());
    }

    #[test]
    fn it_is_decoded_as_it_would_be(derived in message()) {
        let decoded = BatchWriteResponse::decode(derived.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(&decoded, &derived.clone().into());
        prop_assert_eq!(decoded.results.decoded().unwrap(), derived.results);
        prop_assert_eq!(decoded.failed_result, derived.failed_result);
        prop_assert_eq!(decoded.achieved, derived.achieved);
    }

    #[test]
    fn an_answer_of_a_pipeline_is_coded_as_it_would_be(
        batch in prop::option::of(message()), tag in any::<u64>(),
    ) {
        let by_hand = PipelineResponse { batch: batch.clone().map(Into::into), tag };
        let encoded = by_hand.encode_to_vec();
        prop_assert_eq!(by_hand.encoded_len(), encoded.len());
        prop_assert_eq!(&encoded, &derived::PipelineResponse { batch, tag }.encode_to_vec());
        let decoded = PipelineResponse::decode(Bytes::from(encoded.clone())).unwrap();
        prop_assert_eq!(&decoded, &by_hand);
        prop_assert_eq!(decoded.encode_to_vec(), encoded, "and sent on as it came");
    }

    #[test]
    fn what_comes_in_parts_is_put_together(parts in vec(message(), 1..4)) {
        let bytes: Vec<u8> = parts.iter().flat_map(prost::Message::encode_to_vec).collect();
        let by_hand = BatchWriteResponse::decode(bytes.as_slice()).unwrap();
        let derived = derived::BatchWriteResponse::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(by_hand.results.len(), derived.results.len());
        prop_assert_eq!(by_hand, derived.into());
    }

    #[test]
    fn strange_results_are_read_or_refused_as_they_would_be(
        before in message(), strange in support::strange(), after in message(),
    ) {
        let mut bytes = before.encode_to_vec();
        prost::encoding::bytes::encode(2, &Bytes::from(strange), &mut bytes);
        bytes.extend(after.encode_to_vec());
        let by_hand = BatchWriteResponse::decode(bytes.as_slice())
            .and_then(|message| message.results.decoded());
        let derived = derived::BatchWriteResponse::decode(bytes.as_slice()).map(|message| message.results);
        prop_assert_eq!(by_hand.ok(), derived.ok());
    }

    #[test]
    fn what_is_broken_is_refused_as_it_would_be(
        derived in message(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = derived.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        bytes[at.index(derived.encoded_len())] = byte;
        let by_hand = BatchWriteResponse::decode(bytes.as_slice())
            .and_then(|message| message.results.decoded());
        let derived = derived::BatchWriteResponse::decode(bytes.as_slice()).map(|message| message.results);
        prop_assert_eq!(by_hand.ok(), derived.ok());
    }

    #[test]
    fn the_level_of_every_write_can_be_raised(
        mut kinds in vec(prop_oneof![written(), unwritten(), get()], 1..10),
        level in level(),
    ) {
        let mut results = Results::default();
        for kind in &mut kinds {
            let result = OpResult { result: Some(kind.clone()) };
            results.push(&result);
            if let Some(achieved) = level_of(kind).filter(|achieved| **achieved != 0) {
                *achieved = level.into();
            }
        }
        results.set_achieved(level);
        let wanted = kinds.into_iter().map(|kind| OpResult { result: Some(kind) });
        prop_assert_eq!(results.decoded().unwrap(), wanted.collect::<Vec<_>>());
    }

    #[test]
    fn results_are_the_same_in_whichever_way_they_are_added(
        value in value(), version in number(), ttl_ms in ttl(), level in level(),
    ) {
        let get = GetResponse { value: Some(value.clone()), version, ttl_ms };
        let set = SetResponse {
            applied: true, version, ttl_ms, previous: None, achieved: level.into(),
        };
        let whole = [OneOf::Set(set), OneOf::Get(get.clone()), OneOf::Get(get)];
        let whole: Vec<_> = whole.into_iter().map(|kind| OpResult { result: Some(kind) }).collect();
        let mut parts = Results::with_capacity(3);
        parts.push_set(version, ttl_ms, level);
        parts.push_value(&value, version, ttl_ms);
        let promised = parts.push_promised(value.len(), version, ttl_ms);
        parts.supply(promised, value);
        let encode = |results| BatchWriteResponse { results, ..Default::default() }.encode_to_vec();
        prop_assert_eq!(encode(parts), encode(Results::from(whole)));
    }
}

#[test]
fn long_values_are_shared_until_the_message_is_sent() {
    for (len, shared) in [(APART_BYTES_MIN - 1, false), (APART_BYTES_MIN, true)] {
        let value = Bytes::from(vec![b'v'; len]);
        let get = |value| OneOf::Get(GetResponse { value, ..Default::default() });
        let set = |previous| OneOf::Set(SetResponse { previous, ..Default::default() });
        let gone = |previous| OneOf::Delete(DeleteResponse { previous, ..Default::default() });
        let kinds: [&dyn Fn(Option<Bytes>) -> OneOf; 3] = [&get, &set, &gone];
        for kind in kinds {
            let result = Some(kind(Some(value.clone())));
            let results = Results::from(vec![OpResult { result }]);
            assert_eq!(!value.is_unique(), shared, "{len} bytes in {results:?}");
            assert!(results.held_bytes() >= len);
        }
    }
}

#[test]
fn a_result_that_cannot_be_read_is_an_error() {
    // A `get` that is said to be longer than its result.
    let broken = [0x12, 2, 0x0a, 9];
    let message = BatchWriteResponse::decode(&broken[..]).unwrap();
    assert_eq!(message.results.len(), 1);
    message.results.decoded().unwrap_err();
    assert!(format!("{message:?}").contains("DecodeError"), "{message:?}");
}

#[test]
fn what_is_kept_for_results_counts_before_they_are_long() {
    let mut results = Results::with_capacity(10_000);
    for _ in 0..10_000 {
        results.push(&OpResult { result: Some(OneOf::Get(GetResponse::default())) });
    }
    assert!(results.encoded_len() < 50_000, "{}", results.encoded_len());
    assert!(results.held_bytes() >= 480_000, "{}", results.held_bytes());
}

#[test]
fn values_that_are_lent_do_not_move_a_long_answer() {
    let mut results = Results::default();
    results.push_value(&vec![b'v'; APART_BYTES_MIN], 1, None);
    results.reserve(16);
    let held = results.held_bytes();
    for _ in 0..16 {
        results.push_value(&vec![b'v'; APART_BYTES_MIN - 1], u64::MAX, Some(-1));
    }
    assert_eq!(results.held_bytes(), held);
}

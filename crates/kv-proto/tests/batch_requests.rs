//! The hand-written `BatchWriteRequest` and `PipelineRequest` are on the wire what prost derives from the contract.

mod support;

use bytes::Bytes;
use kv_proto::batch::{APART_BYTES_MIN, OpRef, Ops, SetRef};
use kv_proto::testing as derived;
use kv_proto::v1::{
    AppendRequest, BatchWriteRequest, DeleteRequest, ExistsRequest, ExpireRequest, GetRequest,
    IncrementRequest, Op, PipelineRequest, SetRequest, expire_request, op::Op as OneOf,
    set_request::Expiry,
};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

/// A message of prost that has one of ours in it.
#[derive(Clone, PartialEq, prost::Message)]
struct Around {
    #[prost(message, optional, tag = "9")]
    request: Option<BatchWriteRequest>,
}

fn read(ops: &Ops) -> Vec<Op> {
    let read: Vec<Op> = ops.iter().map(Op::from).collect();
    assert_eq!((ops.len(), ops.is_empty()), (read.len(), read.is_empty()));
    read
}

fn text(len_max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..len_max).prop_map(Bytes::from)
}

fn value() -> impl Strategy<Value = Bytes> {
    let near = APART_BYTES_MIN - 1..=APART_BYTES_MIN + 1;
    let long = (near, any::<u8>()).prop_map(|(len, byte)| Bytes::from(vec![byte; len]));
    prop_oneof![12 => text(200), 1 => long]
}

fn expiry() -> impl Strategy<Value = Option<Expiry>> {
    let number = || prop_oneof![Just(0), any::<i64>(), any::<i64>().prop_map(|bits| bits >> 40)];
    prop_oneof![
        Just(None),
        number().prop_map(|ms| Some(Expiry::TtlMs(ms))),
        number().prop_map(|ms| Some(Expiry::ExpiresAtMs(ms))),
        any::<bool>().prop_map(|keep| Some(Expiry::KeepTtl(keep))),
    ]
}

prop_compose! {
    fn set()(
        key in text(200),
        value in value(),
        expiry in expiry(),
        condition in prop_oneof![0..4, any::<i32>()],
        if_version in prop_oneof![Just(0), any::<u64>(), 0..1000_u64],
        return_previous in any::<bool>(),
        durability in prop_oneof![4 => Just(0), 1 => any::<i32>()],
    ) -> OneOf {
        OneOf::Set(SetRequest {
            key, value, expiry, condition, if_version, return_previous, durability,
        })
    }
}

prop_compose! {
    fn other()(kind in 0..5, key in text(20), number in any::<i64>()) -> OneOf {
        let expiry = Some(expire_request::Expiry::TtlMs(number));
        match kind {
            0 => OneOf::Delete(DeleteRequest { key, if_version: 1, ..Default::default() }),
            1 => OneOf::Exists(ExistsRequest { key }),
            2 => OneOf::Increment(IncrementRequest { key, delta: number, durability: 0 }),
            3 => OneOf::Append(AppendRequest { suffix: key.clone(), key, durability: 1 }),
            _ => OneOf::Expire(ExpireRequest { key, expiry, rule: 1, durability: 0 }),
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let get = text(200).prop_map(|key| OneOf::Get(GetRequest { key }));
    let some = prop_oneof![4 => get, 4 => set(), 2 => other()].prop_map(Some);
    prop_oneof![12 => some, 1 => Just(None)].prop_map(|op| Op { op })
}

prop_compose! {
    fn batch()(
        ops in vec(op(), 0..12), atomic in any::<bool>(), durability in 0..=4,
    ) -> derived::BatchWriteRequest {
        derived::BatchWriteRequest { ops, atomic, durability }
    }
}

prop_compose! {
    fn message()(batch in prop::option::of(batch()), tag in any::<u64>()) -> derived::PipelineRequest {
        derived::PipelineRequest { batch, tag }
    }
}

proptest! {
    #[test]
    fn they_are_encoded_as_they_would_be(derived in message()) {
        let by_hand = PipelineRequest::from(derived.clone());
        let encoded = by_hand.encode_to_vec();
        prop_assert_eq!(&encoded, &derived.encode_to_vec());
        prop_assert_eq!(by_hand.encoded_len(), encoded.len());
    }

    #[test]
    fn they_are_decoded_as_they_would_be(derived in message()) {
        let encoded = Bytes::from(derived.encode_to_vec());
        for decoded in [
            PipelineRequest::decode(encoded.clone()).unwrap(),
            PipelineRequest::decode(encoded.as_ref()).unwrap(),
        ] {
            prop_assert_eq!(&decoded, &derived.clone().into());
            if let (Some(batch), Some(wanted)) = (&decoded.batch, &derived.batch) {
                prop_assert_eq!(read(&batch.ops), wanted.ops.as_slice());
            }
            prop_assert_eq!(&decoded.encode_to_vec(), encoded.as_ref(), "and sent on as it came");
        }
    }

    #[test]
    fn it_is_the_same_within_another_message(derived in batch()) {
        let request = Some(BatchWriteRequest::from(derived));
        let around = Around { request };
        let decoded = Around::decode(around.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(decoded, around);
    }

    #[test]
    fn batches_that_come_in_parts_are_put_together(parts in vec(message(), 1..4)) {
        let bytes: Vec<u8> = parts.iter().flat_map(prost::Message::encode_to_vec).collect();
        let by_hand = PipelineRequest::decode(bytes.as_slice()).unwrap();
        let derived = derived::PipelineRequest::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(by_hand, derived.into());
    }

    #[test]
    fn operations_that_come_in_parts_are_put_together(parts in vec(batch(), 1..4)) {
        let bytes: Vec<u8> = parts.iter().flat_map(prost::Message::encode_to_vec).collect();
        let by_hand = BatchWriteRequest::decode(bytes.as_slice()).unwrap();
        let derived = derived::BatchWriteRequest::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(read(&by_hand.ops), derived.ops);
        prop_assert_eq!(by_hand.atomic, derived.atomic);
        let again = BatchWriteRequest::decode(by_hand.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(again, by_hand);
    }

    #[test]
    fn strange_operations_are_read_or_refused_as_they_would_be(
        before in batch(), strange in support::strange(), after in batch(),
    ) {
        let mut bytes = before.encode_to_vec();
        prost::encoding::bytes::encode(1, &Bytes::from(strange), &mut bytes);
        bytes.extend(after.encode_to_vec());
        let by_hand = BatchWriteRequest::decode(bytes.as_slice());
        let derived = derived::BatchWriteRequest::decode(bytes.as_slice());
        prop_assert_eq!(by_hand.is_ok(), derived.is_ok(), "{:?} {:?}", by_hand, derived);
        if let (Ok(by_hand), Ok(derived)) = (by_hand, derived) {
            prop_assert_eq!(read(&by_hand.ops), derived.ops);
        }
    }

    #[test]
    fn what_is_broken_is_refused_as_it_would_be(
        derived in message(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = derived.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at + 1);
        }
        let by_hand = PipelineRequest::decode(bytes.as_slice());
        let derived = derived::PipelineRequest::decode(bytes.as_slice());
        prop_assert_eq!(by_hand.is_ok(), derived.is_ok(), "{:?} {:?}", by_hand, derived);
        if let (Ok(by_hand), Ok(derived)) = (by_hand, derived) {
            let ops = by_hand.batch.map(|batch| read(&batch.ops));
            prop_assert_eq!(ops, derived.batch.map(|batch| batch.ops));
            prop_assert_eq!(by_hand.tag, derived.tag);
        }
    }

    #[test]
    fn operations_are_the_same_in_whichever_way_they_are_added(set in set(), key in text(300)) {
        let OneOf::Set(set) = set else { unreachable!() };
        let mut parts = Ops::with_capacity(2);
        parts.push_get(&key);
        parts.push_set(&SetRef::from(&set));
        let get = Op { op: Some(OneOf::Get(GetRequest { key })) };
        let whole = Ops::from(vec![get, Op { op: Some(OneOf::Set(set)) }]);
        prop_assert_eq!(&parts, &whole);
        let encode = |ops| BatchWriteRequest { ops, ..Default::default() }.encode_to_vec();
        prop_assert_eq!(encode(parts), encode(whole));
    }
}

#[test]
fn usual_operations_are_lent_from_the_message() {
    let set = SetRequest { key: "k".into(), value: "v".into(), ..Default::default() };
    let get = GetRequest { key: "g".into() };
    let ops = [OneOf::Set(set), OneOf::Get(get)].map(|op| Op { op: Some(op) });
    let request = BatchWriteRequest { ops: ops.into_iter().collect(), ..Default::default() };
    let message = Bytes::from(request.encode_to_vec());
    let decoded = BatchWriteRequest::decode(message.clone()).unwrap();
    let lent: Vec<OpRef<'_>> = decoded.ops.iter().collect();
    let [OpRef::Set(set), OpRef::Get(key)] = lent.as_slice() else { panic!("{lent:?}") };
    for part in [set.key, set.value, key] {
        assert!(message.as_ptr_range().contains(&part.as_ptr()), "{part:?} was copied");
    }
}

#[test]
fn long_values_are_shared_until_the_message_is_sent() {
    for (len, shared) in [(APART_BYTES_MIN - 1, false), (APART_BYTES_MIN, true)] {
        let value = Bytes::from(vec![b'v'; len]);
        let set = SetRequest { value: value.clone(), ..Default::default() };
        let ops = Ops::from(vec![Op { op: Some(OneOf::Set(set)) }]);
        assert_eq!(!value.is_unique(), shared, "{len} bytes");
        drop(ops);
    }
}

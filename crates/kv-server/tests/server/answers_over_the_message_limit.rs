//! Values that do not fit in an answer are refused with what to do, and no stream breaks.

use kv_proto::v1::op_result::Result as OneOf;
use kv_proto::v1::{
    AppendRequest, BatchGetRequest, DeleteRequest, Durability, ErrorReason, Op, PipelineRequest,
    ScanRequest, SetRequest, op,
};
use kv_server::testing::TestServer;
use prost::Message as _;
use tonic::Code;

use crate::support::{
    Kv, batch, bytes, connect, exists, get, get_op, increment_op, refused, results_of, set, set_op,
    start_with, within,
};

const LIMIT_BYTES: usize = 128 << 10;

async fn start() -> (TestServer, Kv) {
    let server = start_with(&[("limits.message_bytes_max", "128KiB")]);
    // The client holds the server to its limit.
    let kv = connect(&server).await.max_decoding_message_size(LIMIT_BYTES);
    (server, kv)
}

/// Grows a value past what one message carries.
async fn grow(kv: &mut Kv, key: &str) {
    let suffix = bytes(vec![b'v'; LIMIT_BYTES - 200]);
    for _ in 0..2 {
        let request = AppendRequest { key: bytes(key), suffix: suffix.clone(), durability: 0 };
        kv.append(request).await.expect("an answer");
    }
}

#[tokio::test]
async fn a_grown_value_is_refused_when_read_and_can_be_replaced() {
    let (_server, mut kv) = start().await;
    grow(&mut kv, "k").await;
    let words = ["limits.message_bytes_max", "131072"];
    let read = kv.get(kv_proto::v1::GetRequest { key: bytes("k") }).await;
    refused(read, Code::OutOfRange, "VALUE_TOO_LONG", &words);
    assert!(exists(&mut kv, "k").await, "its length can still be asked for");
    let replace = SetRequest { return_previous: true, ..set("k", "short") };
    let replaced = kv.set(replace).await;
    refused(replaced, Code::OutOfRange, "VALUE_TOO_LONG", &["writes of this request were made"]);
    assert_eq!(get(&mut kv, "k").await.value.unwrap(), "short");
}

#[tokio::test]
async fn a_batch_get_whose_values_do_not_fit_together_is_refused() {
    let (_server, mut kv) = start().await;
    kv.set(set("k", vec![b'v'; 1000])).await.unwrap();
    let keys = |count| BatchGetRequest { keys: vec![bytes("k"); count] };
    assert_eq!(kv.batch_get(keys(100)).await.unwrap().into_inner().results.len(), 100);
    let result = kv.batch_get(keys(10_000)).await;
    refused(result, Code::OutOfRange, "BATCH_TOO_LARGE", &["ask for fewer", "131072"]);
    // Without values only the count matters, and these fit.
    let absent = BatchGetRequest { keys: vec![bytes("absent"); 10_000] };
    assert_eq!(kv.batch_get(absent).await.unwrap().into_inner().results.len(), 10_000);
}

#[tokio::test]
async fn reads_of_a_batch_that_do_not_fit_are_refused_in_their_places_and_writes_are_made() {
    let (_server, mut kv) = start().await;
    kv.set(set("k", vec![b'v'; 10_000])).await.unwrap();
    let ops = (0..200).map(|_| get_op("k")).chain([increment_op("n")]).collect();
    let answer = kv.batch_write(batch(false, ops)).await.unwrap().into_inner();
    assert_eq!((answer.applied, answer.results.len()), (true, 201));
    let mut results = results_of(&answer).into_iter();
    let fitting = results.by_ref().take_while(|result| matches!(result, OneOf::Get(_))).count();
    assert!((5..=13).contains(&fitting), "{fitting} values of 10000 bytes in {LIMIT_BYTES}");
    let last = results.next_back().unwrap();
    assert!(matches!(&last, OneOf::Increment(number) if number.value == 1), "{last:?}");
    for result in results {
        let OneOf::Error(error) = result else { panic!("{result:?}") };
        assert_eq!(error.reason(), ErrorReason::BatchTooLarge);
        assert_eq!(error.code, i32::from(Code::OutOfRange));
        assert!(error.message.contains("fewer"), "{}", error.message);
    }
}

/// Bytes that do not compress.
fn value(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..)).collect()
}

#[tokio::test]
async fn answers_stay_in_their_places_when_there_is_no_more_room() {
    let (_server, mut kv) = start().await;
    // Short, long and compressed ones.
    for (key, value) in [("s", vec![b'v'; 10]), ("l", value(20_000)), ("c", vec![b'c'; 20_000])] {
        kv.set(set(key, value)).await.unwrap();
    }
    let round = || {
        let refused = set_op(set("", "v"));
        [get_op("s"), get_op("l"), refused, set_op(set("w", "1")), get_op("c"), increment_op("n")]
    };
    let ops = (0..10).flat_map(|_| round()).collect();
    let answer = kv.batch_write(batch(false, ops)).await.unwrap().into_inner();
    assert_eq!((answer.results.len(), answer.encoded_len() <= LIMIT_BYTES), (60, true));
    let (mut whole, mut sums) = (0, 0);
    for round in results_of(&answer).chunks(6) {
        let [short, long, refused, set, compressed, sum] = round else { panic!("{round:?}") };
        for (read, len) in [(short, 10), (long, 20_000), (compressed, 20_000)] {
            match read {
                OneOf::Get(read) => {
                    assert_eq!(read.value.as_ref().unwrap().len(), len);
                    whole += 1;
                }
                OneOf::Error(error) => assert_eq!(error.reason(), ErrorReason::BatchTooLarge),
                other => panic!("{other:?}"),
            }
        }
        let OneOf::Error(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.reason(), ErrorReason::KeyEmpty);
        assert!(matches!(set, OneOf::Set(set) if set.applied), "{set:?}");
        sums += 1;
        assert!(matches!(sum, OneOf::Increment(sum) if sum.value == sums), "{sum:?}");
    }
    assert!((5..30).contains(&whole), "{whole} values fit");
}

#[tokio::test]
async fn previous_values_that_do_not_fit_are_of_writes_that_were_made() {
    let (_server, mut kv) = start().await;
    for key in ["a", "b", "k"] {
        kv.set(set(key, value(100_000))).await.unwrap();
    }
    let delete =
        |key| DeleteRequest { key: bytes(key), return_previous: true, ..Default::default() };
    let delete = |key| Op { op: Some(op::Op::Delete(delete(key))) };
    let result = kv.batch_write(batch(false, vec![delete("a"), delete("b")])).await;
    refused(result, Code::OutOfRange, "BATCH_TOO_LARGE", &["writes of this request were made"]);
    assert!(!exists(&mut kv, "a").await && !exists(&mut kv, "b").await);
    // One fits, and comes with its level behind it.
    let replace = set_op(SetRequest { return_previous: true, ..set("k", "short") });
    let answer = kv.batch_write(batch(false, vec![replace])).await.unwrap().into_inner();
    let results = results_of(&answer);
    let [OneOf::Set(set)] = results.as_slice() else { panic!("{results:?}") };
    assert_eq!(set.previous.as_deref(), Some(value(100_000).as_slice()));
    assert_eq!(set.achieved(), Durability::Memory);
}

#[tokio::test]
async fn writes_whose_previous_values_do_not_fit_are_made_and_the_answer_says_so() {
    let (_server, mut kv) = start().await;
    let ops: Vec<_> = (0..10)
        .map(|number| {
            let value = [vec![b'0' + number], vec![b'v'; 10_000]].concat();
            set_op(SetRequest { return_previous: true, ..set("k", value) })
        })
        .collect();
    kv.set(set("k", vec![b'v'; 100_000])).await.unwrap();
    let result = kv.batch_write(batch(true, ops)).await;
    refused(result, Code::OutOfRange, "BATCH_TOO_LARGE", &["writes of this request were made"]);
    assert_eq!(get(&mut kv, "k").await.value.unwrap()[0], b'0' + 9);
}

#[tokio::test]
async fn an_atomic_batch_of_many_large_reads_is_refused_before_it_writes() {
    let (_server, mut kv) = start().await;
    kv.set(set("k", vec![b'v'; 10_000])).await.unwrap();
    let ops = [increment_op("n")].into_iter().chain(vec![get_op("k"); 1000]).collect();
    let result = kv.batch_write(batch(true, ops)).await;
    refused(result, Code::OutOfRange, "BATCH_TOO_LARGE", &["ask for fewer"]);
    assert!(!exists(&mut kv, "n").await, "nothing was written");
}

#[tokio::test]
async fn what_an_atomic_batch_makes_of_a_key_counts_for_the_reads_behind_it() {
    let (_server, mut kv) = start().await;
    for make in [
        vec![set_op(set("k", vec![b'v'; 10_000]))],
        vec![set_op(set("k", "v")), append_op("k", vec![b'v'; 10_000])],
    ] {
        let ops = make.into_iter().chain(vec![get_op("k"); 1000]).collect();
        let result = kv.batch_write(batch(true, ops)).await;
        refused(result, Code::OutOfRange, "BATCH_TOO_LARGE", &["ask for fewer"]);
        assert!(!exists(&mut kv, "k").await, "nothing was written");
    }
    // What is appended counts beside what is there, and what is deleted does not.
    kv.set(set("k", vec![b'v'; 150])).await.unwrap();
    let append = |bytes| append_op("k", vec![b'v'; bytes]);
    let ops = |make: Op| [vec![make], vec![get_op("k"); 500]].concat();
    kv.batch_write(batch(true, ops(append(1)))).await.unwrap();
    let result = kv.batch_write(batch(true, ops(append(150)))).await;
    refused(result, Code::OutOfRange, "BATCH_TOO_LARGE", &["ask for fewer"]);
    let delete =
        Op { op: Some(op::Op::Delete(DeleteRequest { key: bytes("k"), ..Default::default() })) };
    let ops = [vec![set_op(set("k", vec![b'v'; 10_000])), delete], vec![get_op("k"); 500]].concat();
    kv.batch_write(batch(true, ops)).await.unwrap();
}

fn append_op(key: &str, suffix: Vec<u8>) -> Op {
    let append = AppendRequest { key: bytes(key), suffix: bytes(suffix), durability: 0 };
    Op { op: Some(op::Op::Append(append)) }
}

#[tokio::test]
async fn a_pipeline_goes_on_after_answers_that_did_not_fit() {
    let (_server, mut kv) = start().await;
    kv.set(set("k", vec![b'v'; 10_000])).await.unwrap();
    let request =
        |count, tag| PipelineRequest { batch: Some(batch(false, vec![get_op("k"); count])), tag };
    let requests = [request(1, 1), request(500, 2), request(1, 3)];
    let mut answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap().into_inner();
    for (tag, results) in [(1, 1), (2, 500), (3, 1)] {
        let answer = within(answers.message()).await.unwrap().unwrap();
        assert_eq!((answer.tag, answer.batch.unwrap().results.len()), (tag, results));
    }
}

#[tokio::test]
async fn pages_of_a_scan_are_cut_where_large_values_come_and_none_is_lost() {
    let (_server, mut kv) = start().await;
    for number in 0..400 {
        let bytes = if number % 10 == 0 { 120_000 } else { 1000 };
        kv.set(set(format!("k{number}"), vec![b'v'; bytes])).await.unwrap();
    }
    let request = ScanRequest { values: true, ..Default::default() };
    let mut pages = kv.scan(request).await.unwrap().into_inner();
    let mut found = std::collections::BTreeSet::new();
    while let Some(page) = within(pages.message()).await.expect("every page fits") {
        found.extend(page.entries.into_iter().map(|entry| entry.key));
    }
    assert_eq!(found.len(), 400);
}

#[tokio::test]
async fn a_scan_that_meets_a_grown_value_says_so_and_keys_can_still_be_scanned() {
    let (_server, mut kv) = start().await;
    grow(&mut kv, "k").await;
    let scan = |values| ScanRequest { values, ..Default::default() };
    let mut pages = kv.scan(scan(true)).await.unwrap().into_inner();
    let result = within(pages.message()).await;
    refused(result, Code::OutOfRange, "VALUE_TOO_LONG", &["limits.message_bytes_max"]);
    let mut pages = kv.scan(scan(false)).await.unwrap().into_inner();
    assert_eq!(within(pages.message()).await.unwrap().unwrap().entries.len(), 1);
}

//! What the tests of this crate share: clients, refusals, and the server as a process.

pub(crate) mod exposition;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod page;
mod process;
pub(crate) mod resp;
pub(crate) mod schema;
pub(crate) mod store;

pub(crate) use process::{FREE_PORTS, Process, binary};

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use kv_proto::v1::admin_client::AdminClient;
use kv_proto::v1::kv_client::KvClient;
use kv_proto::v1::op::Op as OneOf;
use kv_proto::v1::{
    BatchWriteRequest, BatchWriteResponse, ExistsRequest, GetRequest, GetResponse,
    IncrementRequest, Op, SetRequest, op_result,
};
use kv_server::testing::TestServer;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// How long anything may take before a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// A client of the data service.
pub(crate) type Kv = KvClient<Channel>;

/// A server with other than the default settings.
pub(crate) fn start_with(settings: &[(&str, &str)]) -> TestServer {
    TestServer::start_with(|config| {
        for (key, value) in settings {
            config.set(key, value).expect("an allowed setting");
        }
    })
}

/// Waits until something holds, and looks again and again meanwhile.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    within(wait).await;
}

/// Connects to an address such as `http://127.0.0.1:7380`.
pub(crate) async fn channel(addr: &str) -> Channel {
    let endpoint = Endpoint::from_shared(addr.to_owned()).expect("an address");
    endpoint.connect().await.expect("a connection")
}

/// Connects to the data service.
pub(crate) async fn connect(server: &TestServer) -> Kv {
    connect_to(&server.addr()).await
}

/// Connects to the data service, ready for answers of any length.
pub(crate) async fn connect_to(addr: &str) -> Kv {
    KvClient::new(channel(addr).await)
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX)
}

/// Connects to the operator's service.
pub(crate) async fn connect_admin(server: &TestServer) -> AdminClient<Channel> {
    AdminClient::new(channel(&server.addr()).await)
}

/// Fails when the future takes longer than [`LIMIT`].
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("an end within the limit")
}

/// Proves that a call was refused so, with a message that holds every one of the words.
pub(crate) fn refused<T: Debug>(
    result: Result<T, Status>,
    code: Code,
    reason: &str,
    words: &[&str],
) {
    let status = result.expect_err("a refusal");
    let info = status.get_details_error_info().expect("an ErrorInfo");
    let message = status.message();
    assert_eq!(
        (status.code(), info.reason.as_str(), info.domain.as_str()),
        (code, reason, "kv"),
        "{message}"
    );
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}

/// Proves that nothing was written so far, and that the server still serves.
pub(crate) async fn unharmed(server: &TestServer, kv: &mut Kv) {
    assert_eq!(server.store().stats().writes, 0, "something was written");
    let alive = Bytes::from_static(b"alive");
    let answer = kv.set(set(&alive, "yes")).await.expect("the server still serves").into_inner();
    assert!(answer.applied);
    assert_eq!(get(kv, &alive).await.value.expect("a value"), "yes");
}

/// A write without anything special.
pub(crate) fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> SetRequest {
    SetRequest { key: bytes(key), value: bytes(value), ..Default::default() }
}

/// An increment by one.
pub(crate) fn increment(key: impl AsRef<[u8]>) -> IncrementRequest {
    IncrementRequest { key: bytes(key), delta: 1, durability: 0 }
}

/// Reads a key.
pub(crate) async fn get(kv: &mut Kv, key: impl AsRef<[u8]>) -> GetResponse {
    kv.get(GetRequest { key: bytes(key) }).await.expect("an answer").into_inner()
}

/// Whether a key exists.
pub(crate) async fn exists(kv: &mut Kv, key: impl AsRef<[u8]>) -> bool {
    let request = ExistsRequest { key: bytes(key) };
    kv.exists(request).await.expect("an answer").into_inner().exists
}

/// Owned bytes.
pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(bytes.as_ref())
}

/// A read inside a batch.
pub(crate) fn get_op(key: impl AsRef<[u8]>) -> Op {
    Op { op: Some(OneOf::Get(GetRequest { key: bytes(key) })) }
}

/// A write inside a batch.
pub(crate) fn set_op(request: SetRequest) -> Op {
    Op { op: Some(OneOf::Set(request)) }
}

/// An increment inside a batch.
pub(crate) fn increment_op(key: impl AsRef<[u8]>) -> Op {
    Op { op: Some(OneOf::Increment(increment(key))) }
}

/// A batch.
pub(crate) fn batch(atomic: bool, ops: Vec<Op>) -> BatchWriteRequest {
    BatchWriteRequest { ops: ops.into(), atomic, durability: 0 }
}

/// What became of each operation of a batch.
pub(crate) fn results_of(answer: &BatchWriteResponse) -> Vec<op_result::Result> {
    let results = answer.results.decoded().expect("results that can be read");
    results.into_iter().map(|result| result.result.expect("an answer")).collect()
}

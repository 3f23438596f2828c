//! A panic while a call is executed ends that call; the connection, and everyone else, goes on (KV-I7).

use std::sync::Arc;

use kv_core::Store;
use kv_proto::v1::GetRequest;
use kv_server::testing::TestServer;

use crate::support::store::Watched;
use crate::support::{bytes, connect, get, set, within};

/// A store that panics for the key `boom`.
pub(crate) fn faulty_store() -> Arc<dyn Store> {
    Arc::new(Watched::new(|_store, op| assert_ne!(op.key, b"boom", "wanted by the test")))
}

#[tokio::test]
async fn a_panic_ends_its_own_call_only() {
    let server = TestServer::start_over(faulty_store(), |_config| {});
    let mut kv = connect(&server).await;
    kv.set(set("k", "v")).await.unwrap();
    for _ in 0..3 {
        let call = kv.get(GetRequest { key: bytes("boom") });
        within(call).await.expect_err("the call fails");
        assert_eq!(get(&mut kv, "k").await.value.unwrap(), "v", "on the same connection");
    }
    assert_eq!(within(server.stop()).await.connections_cut, 0);
}

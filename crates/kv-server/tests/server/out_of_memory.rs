//! When memory is full and nothing may be evicted, writes are refused and reads are served.

use tonic::Code;

use crate::support::{connect, get, refused, set, start_with};

#[tokio::test]
async fn writes_are_refused_until_there_is_room() {
    let server = start_with(&[("engine.memory_limit", "1MiB"), ("engine.eviction_policy", "none")]);
    let mut kv = connect(&server).await;
    let mut written = 0;
    let refusal = loop {
        match kv.set(set(format!("k{written}"), vec![b'v'; 10_000])).await {
            Ok(_) => written += 1,
            Err(status) => break status,
        }
        assert!(written < 200, "2 MB of values fit in 1 MiB");
    };
    let words = ["engine.memory_limit = 1048576", "engine.eviction_policy = none"];
    refused(Err::<(), _>(refusal), Code::ResourceExhausted, "OUT_OF_MEMORY", &words);
    assert_eq!(server.store().stats().keys, written);
    assert!(get(&mut kv, "k0").await.value.is_some(), "reads are served");
    let delete = kv_proto::v1::DeleteRequest { key: "k0".into(), ..Default::default() };
    assert!(kv.delete(delete).await.unwrap().into_inner().applied, "deletes are served");
    kv.set(set("k0", vec![b'v'; 10_000])).await.expect("there is room again");
}

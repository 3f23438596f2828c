//! A level this server cannot reach is refused before anything is written.

use kv_proto::v1::{
    AppendRequest, DeleteRequest, Durability, ExpireRequest, FlushRequest, IncrementRequest,
    PersistRequest, SetRequest, expire_request,
};
use kv_server::testing::TestServer;
use tonic::Code;

use crate::support::{batch, bytes, connect, connect_admin, refused, set, set_op, unharmed};

#[tokio::test]
async fn levels_above_memory_are_refused_and_memory_is_reached() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    for level in [Durability::Buffered, Durability::Fsync] {
        let durability = level.into();
        let key = bytes("k");
        let expiry = Some(expire_request::Expiry::TtlMs(1000));
        let mut write = batch(false, vec![set_op(set("k", "v"))]);
        write.durability = durability;
        let key = || key.clone();
        let append = AppendRequest { key: key(), suffix: bytes("x"), durability };
        let delete = DeleteRequest { key: key(), durability, ..Default::default() };
        for result in [
            kv.set(SetRequest { durability, ..set("k", "v") }).await.map(drop),
            kv.delete(delete).await.map(drop),
            kv.increment(IncrementRequest { key: key(), delta: 1, durability }).await.map(drop),
            kv.append(append).await.map(drop),
            kv.expire(ExpireRequest { key: key(), expiry, rule: 0, durability }).await.map(drop),
            kv.persist(PersistRequest { key: key(), durability }).await.map(drop),
            kv.batch_write(write).await.map(drop),
            admin.flush(FlushRequest { durability }).await.map(drop),
        ] {
            let words = ["cannot be reached by this server", "allowed are memory"];
            refused(result, Code::FailedPrecondition, "DURABILITY_UNAVAILABLE", &words);
        }
    }
    unharmed(&server, &mut kv).await;
    let request = SetRequest { durability: Durability::Memory.into(), ..set("k", "v") };
    let answer = kv.set(request).await.unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Memory);
}

#[tokio::test]
async fn inside_a_batch_the_batch_s_level_counts() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let strict = SetRequest { durability: Durability::Fsync.into(), ..set("k", "v") };
    let answer = kv.batch_write(batch(false, vec![set_op(strict)])).await.unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Memory);
}

//! Enum numbers this server does not know are refused with those it knows, and nothing is written.

use kv_proto::v1::{ExpireRequest, FlushRequest, SetRequest, expire_request};
use kv_server::testing::TestServer;
use tonic::Code;

use crate::support::{batch, bytes, connect, connect_admin, refused, set, set_op, unharmed};

#[tokio::test]
async fn unknown_numbers_are_refused_with_the_known_ones() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    let unknown = |result, words: &[&str]| {
        refused(result, Code::InvalidArgument, "UNKNOWN_ENUM_VALUE", words);
    };

    let request = SetRequest { condition: 4, ..set("k", "v") };
    let words = ["condition = 4", "CONDITION_IF_ABSENT (1)", "CONDITION_IF_VERSION (3)"];
    unknown(kv.set(request).await.map(drop), &words);

    let expiry = Some(expire_request::Expiry::TtlMs(1));
    let request = ExpireRequest { key: bytes("k"), expiry, rule: -7, durability: 0 };
    let words = ["rule = -7", "EXPIRE_RULE_NX (1)", "EXPIRE_RULE_LT (4)"];
    unknown(kv.expire(request).await.map(drop), &words);

    let words = ["durability = 9", "DURABILITY_MEMORY (1)", "DURABILITY_FSYNC (3)"];
    let request = SetRequest { durability: 9, ..set("k", "v") };
    unknown(kv.set(request).await.map(drop), &words);
    let mut request = batch(false, vec![set_op(set("k", "v"))]);
    request.durability = 9;
    unknown(kv.batch_write(request).await.map(drop), &words);
    unknown(admin.flush(FlushRequest { durability: 9 }).await.map(drop), &words);

    unharmed(&server, &mut kv).await;
}

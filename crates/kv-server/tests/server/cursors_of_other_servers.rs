//! A scan cursor is good for the server that issued it, and for no other.

use bytes::Bytes;
use kv_proto::v1::{ScanRequest, ScanResponse};
use kv_server::testing::TestServer;
use tonic::{Code, Status};

use crate::support::{Kv, bytes, connect, refused, set, unharmed};

async fn first_page(kv: &mut Kv, cursor: Bytes) -> Result<ScanResponse, Status> {
    let request = ScanRequest { cursor, page_keys: 1, pages: 1, ..Default::default() };
    let mut pages = kv.scan(request).await?.into_inner();
    Ok(pages.message().await?.expect("a page"))
}

#[tokio::test]
async fn a_cursor_of_another_server_is_refused() {
    let (one, other) = (TestServer::start(), TestServer::start());
    let (mut kv, mut other_kv) = (connect(&one).await, connect(&other).await);
    for key in ["a", "b", "c"] {
        kv.set(set(key, "v")).await.unwrap();
    }
    let cursor = first_page(&mut kv, Bytes::new()).await.unwrap().cursor;
    assert!(!cursor.is_empty());
    first_page(&mut kv, cursor.clone()).await.expect("its own server takes it");
    let result = first_page(&mut other_kv, cursor).await;
    let words = ["another server", "start again with an empty cursor"];
    refused(result, Code::InvalidArgument, "CURSOR_INVALID", &words);
    unharmed(&other, &mut other_kv).await;
}

#[tokio::test]
async fn bytes_that_are_no_cursor_are_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for cursor in [bytes("x"), bytes([0; 17]), bytes([0xff; 17]), bytes([1; 1000])] {
        let result = first_page(&mut kv, cursor).await;
        refused(result, Code::InvalidArgument, "CURSOR_INVALID", &["empty cursor"]);
    }
    unharmed(&server, &mut kv).await;
}

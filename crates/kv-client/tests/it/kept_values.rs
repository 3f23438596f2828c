//! A value that a program keeps takes memory in proportion to its length, whatever it came in.

use kv_client::Client;
use kv_server::testing::TestServer;

/// What comes with a value in its message, and what its buffer begins with.
const BEYOND_MAX: usize = 512;

#[tokio::test]
async fn a_value_keeps_no_buffer_that_is_much_longer() {
    let server = TestServer::start();
    let client = Client::builder().address(server.addr()).connect().await.expect("a client");
    for len in [64, 10_000] {
        client.set("k", vec![b'v'; len]).await.expect("a set");
        let entry = client.get("k").await.expect("a get").expect("a value");
        // Nobody else has a part of the buffer: all of it is the value's to keep.
        let room = entry.value.try_into_mut().expect("a buffer of its own").capacity();
        // What is received in parts is put together in room that doubles.
        assert!((len..=len * 2 + BEYOND_MAX).contains(&room), "{room} bytes for one of {len}");
    }
}

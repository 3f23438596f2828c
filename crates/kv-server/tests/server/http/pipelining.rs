//! Several requests sent at once are executed and answered in order.

use kv_server::testing::TestServer;

use crate::support::http::{head, http};

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let mut requests = String::new();
    for index in 0..500 {
        let value = index.to_string();
        requests += &(head("PUT /v1/kv/a", &[], value.len()) + &value);
        requests += &head("GET /v1/kv/a", &[], 0);
        requests += &head("HEAD /v1/kv/a", &[], 0);
        requests += &head("POST /v1/kv/n?op=increment", &[], 0);
    }
    // Far more than is read at once.
    assert!(requests.len() > 100_000);
    http.write(requests).await;
    for index in 0..500_usize {
        let put = http.receive(false).await;
        assert_eq!(put.status, if index == 0 { 201 } else { 204 });
        let got = http.receive(false).await.expect(200);
        assert_eq!((got.text(), got.version()), (index.to_string().as_str(), put.version()));
        let head = http.receive(true).await.expect(200);
        assert_eq!(head.header("content-length"), got.header("content-length"));
        assert_eq!(http.receive(false).await.text(), (index + 1).to_string());
    }
}

#[tokio::test]
async fn a_refusal_in_the_middle_spoils_nothing_after_it() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let requests = [
        head("PUT /v1/kv/a", &[], 1) + "v",
        // With a body that nobody reads.
        head("PUT /v1/kv/a", &[("If-None-Match", "*")], 5) + "hello",
        head("GET /nowhere", &[], 0),
        head("PUT /v1/kv/a?ttl=x", &[], 5) + "world",
        head("GET /v1/kv/a", &[], 0),
    ];
    http.write(requests.concat()).await;
    for status in [201, 412, 404, 400] {
        http.receive(false).await.expect(status);
    }
    assert_eq!(http.receive(false).await.expect(200).text(), "v");
}

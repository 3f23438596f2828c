//! A server that stops answers what it received, and says where that ends.

use std::time::Duration;

use kv_proto::v1::{PipelineRequest, ScanRequest};
use kv_server::testing::TestServer;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::support::{batch, connect, get_op, increment_op, refused, set, start_with, within};

#[tokio::test]
async fn every_batch_answered_was_executed_and_no_other() {
    let server = TestServer::start();
    let store = server.store().clone();
    let mut kv = connect(&server).await;
    // A client that never stops sending.
    let request = PipelineRequest { batch: Some(batch(false, vec![increment_op("n")])), tag: 0 };
    let answers = kv.pipeline(tokio_stream::iter(std::iter::repeat(request))).await.unwrap();
    let mut answers = answers.into_inner();
    for _ in 0..100 {
        within(answers.message()).await.unwrap().unwrap();
    }
    let stopped = tokio::spawn(server.stop());
    let mut answered = 100;
    let end = within(async {
        loop {
            match answers.message().await {
                Ok(answer) => assert!(answer.is_some(), "the stream says why it ends"),
                Err(status) => return status,
            }
            answered += 1;
        }
    })
    .await;
    refused(Err::<(), _>(end), Code::Unavailable, "SHUTTING_DOWN", &["shutting down", "again"]);
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
    assert_eq!(store.stats().writes, answered);
}

#[tokio::test]
async fn an_idle_pipeline_and_an_idle_connection_do_not_delay_the_stop() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let silent = tokio::net::TcpStream::connect(server.socket_addr()).await.unwrap();
    let requests = tokio_stream::pending::<PipelineRequest>();
    let mut answers = kv.pipeline(requests).await.unwrap().into_inner();
    let stopped = tokio::spawn(server.stop());
    let result = within(answers.message()).await;
    refused(result, Code::Unavailable, "SHUTTING_DOWN", &["shutting down"]);
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
    drop(silent);
}

#[tokio::test]
async fn a_scan_in_flight_is_finished() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for number in 0..40 {
        kv.set(set(format!("k{number}"), vec![b'v'; 1 << 20])).await.unwrap();
    }
    let request = ScanRequest { values: true, ..Default::default() };
    let mut pages = kv.scan(request).await.unwrap().into_inner();
    let first = within(pages.next()).await.unwrap().unwrap();
    let stopped = tokio::spawn(server.stop());
    let mut found = first.entries.len();
    while let Some(page) = within(pages.message()).await.expect("the scan goes on") {
        found += page.entries.len();
    }
    assert_eq!(found, 40);
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_and_counted() {
    let server = start_with(&[("server.drain_timeout", "200ms")]);
    let mut kv = connect(&server).await;
    kv.set(set("k", vec![b'v'; 1 << 20])).await.unwrap();
    // Nobody reads these answers.
    let request = PipelineRequest { batch: Some(batch(false, vec![get_op("k"); 20])), tag: 0 };
    let requests = tokio_stream::iter(std::iter::repeat(request));
    let mut answers = kv.pipeline(requests).await.unwrap().into_inner();
    within(answers.message()).await.unwrap().unwrap();
    let stopped = within(server.stop()).await;
    assert_eq!(stopped.connections_cut, 1);
    let rest = tokio::time::timeout(Duration::from_secs(30), async {
        while let Ok(Some(_)) = answers.message().await {}
    });
    rest.await.expect("the client's end breaks too");
}

#[tokio::test]
async fn new_connections_are_not_accepted() {
    let server = TestServer::start();
    let addr = server.socket_addr();
    within(server.stop()).await;
    let error = tokio::net::TcpStream::connect(addr).await.expect_err("nobody listens");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

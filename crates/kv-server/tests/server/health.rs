//! The standard health service tells whether the server serves or drains.

use kv_server::testing::TestServer;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{channel, within};

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn the_server_and_its_services_are_serving() {
    let server = TestServer::start();
    let mut health = HealthClient::new(channel(&server.addr()).await);
    for service in ["", "kv.v1.Kv", "kv.v1.Admin"] {
        let answer = health.check(ask(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let status = health.check(ask("kv.v2.Kv")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("\"kv.v1.Kv\""), "{status} does not list the services");
}

#[tokio::test]
async fn watchers_are_told_of_the_drain_and_do_not_delay_it() {
    let server = TestServer::start();
    let mut health = HealthClient::new(channel(&server.addr()).await);
    let mut watch = health.watch(ask("")).await.unwrap().into_inner();
    let status = within(watch.message()).await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::Serving);
    let stopped = tokio::spawn(server.stop());
    let status = within(watch.message()).await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::NotServing);
    assert!(within(watch.message()).await.unwrap().is_none());
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
}

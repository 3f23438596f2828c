//! What a server answers that cannot do what is asked: loading, full, overloaded, at fault.

use std::sync::Arc;

use kv_core::JournalError;
use kv_server::testing::TestServer;
use kv_server::{Backend, Readiness};

use crate::panics_are_contained::faulty_store;
use crate::support::http::http;
use crate::support::log::{backend, start};
use crate::support::start_with;

#[tokio::test]
async fn while_it_loads_requests_are_told_how_far_it_is() {
    let readiness = Readiness::loading();
    let backend = backend(&Arc::default()).readiness(readiness.clone());
    let server = TestServer::start_backend(backend, |_config| {});
    let mut http = http(&server).await;
    readiness.set_progress(42, "log");
    for request in [
        "GET /v1/kv/a",
        "HEAD /v1/kv/a",
        "PUT /v1/kv/a",
        "DELETE /v1/kv/a",
        "POST /v1/kv/a?op=increment",
        "GET /v1/kv",
        "POST /v1/kv:batch",
    ] {
        let answer = http.ask(request).await;
        if !request.starts_with("HEAD") {
            answer.expect_problem(503, "LOADING", &["loading: 42 % (log)", "nothing was executed"]);
        }
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{request}");
    }
    http.ask("GET /openapi.json").await.expect(200);
    http.ask("OPTIONS /v1/kv/a").await.expect(204);
    http.ask("PATCH /v1/kv/a").await.expect(503);
    readiness.ready();
    http.send("PUT /v1/kv/a", &[], "v").await.expect(201);
}

#[tokio::test]
async fn a_store_that_is_full_says_so() {
    let settings = [("engine.memory_limit", "1MiB"), ("engine.eviction_policy", "none")];
    let server = start_with(&settings);
    let mut http = http(&server).await;
    let answer = http.send("PUT /v1/kv/a", &[], vec![b'x'; 2 << 20]).await;
    answer.expect_problem(507, "OUT_OF_MEMORY", &["engine.memory_limit", "none"]);
}

#[tokio::test]
async fn a_full_disk_and_a_slow_one_refuse_writes_for_a_time() {
    let logged = start(&[]).await;
    let mut http = http(&logged.server).await;
    let reason = "log-2.kvl needs 65536 bytes".to_owned();
    logged.journal.refuse(Some(JournalError::DiskFull { reason }));
    let answer = http.send("PUT /v1/kv/a", &[], "v").await;
    answer.expect_problem(507, "DISK_FULL", &["no space", "log-2.kvl"]);
    assert_eq!(answer.header("retry-after"), Some("1"));
    logged.journal.refuse(Some(JournalError::Overloaded { waiting: 70, max: 64 }));
    let answer = http.send("PUT /v1/kv/a", &[], "v").await;
    answer.expect_problem(503, "LOG_OVERLOADED", &["70 bytes", "try again"]);
    assert_eq!(answer.header("retry-after"), Some("1"));
    logged.journal.refuse(None);
    http.send("PUT /v1/kv/a", &[], "v").await.expect(201);
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let server = TestServer::start_backend(Backend::new(faulty_store()), |_config| {});
    let mut bystander = http(&server).await;
    let mut victim = http(&server).await;
    victim.write(crate::support::http::head("GET /v1/kv/boom", &[], 0)).await;
    assert!(victim.is_closed().await);
    bystander.ask("GET /v1/kv/a").await.expect(404);
    http(&server).await.ask("GET /v1/kv/a").await.expect(404);
}

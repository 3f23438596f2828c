//! Pages of web sites (CORS): off by default, and writes of strange pages are refused.

use kv_server::testing::TestServer;

use crate::support::http::http;
use crate::support::start_with;

const APP: &str = "https://app.example";

#[tokio::test]
async fn by_default_no_page_may_read_or_write() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let preflight = [("Origin", APP), ("Access-Control-Request-Method", "PUT")];
    let answer = http.send("OPTIONS /v1/kv/a", &preflight, "").await.expect(204);
    let got = http.send("GET /openapi.json", &[("Origin", APP)], "").await.expect(200);
    for answer in [answer, got] {
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control")));
        assert!(answer.header("vary").is_none_or(|vary| !vary.contains("origin")));
    }
    // What browsers send without asking first.
    for (request, content_type) in [
        ("POST /v1/kv/a?op=append", "text/plain"),
        ("POST /v1/kv/a?op=increment", "application/x-www-form-urlencoded"),
        ("PUT /v1/kv/a", "text/plain"),
        ("DELETE /v1/kv/a", "text/plain"),
        ("POST /v1/kv:batch", "text/plain"),
    ] {
        for origin in [APP, "null"] {
            let headers = [("Origin", origin), ("Content-Type", content_type)];
            let answer = http.send(request, &headers, "").await;
            let words = [origin, "server.http_cors_origins"];
            answer.expect_problem(403, "ORIGIN_NOT_ALLOWED", &words);
        }
    }
    assert_eq!(server.store().stats().writes, 0);
    let own = [("Origin", "http://kv.test")];
    http.send("PUT /v1/kv/a", &own, "v").await.expect(201);
}

#[tokio::test]
async fn listed_origins_may_do_everything() {
    let server = start_with(&[("server.http_cors_origins", "https://app.example")]);
    let mut http = http(&server).await;
    let preflight = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "if-match"),
    ];
    let answer = http.send("OPTIONS /v1/kv/a", &preflight, "").await.expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert!(methods.contains("PUT") && methods.contains("DELETE"), "{methods}");
    assert!(answer.header("access-control-allow-headers").unwrap().contains("if-match"));
    assert!(answer.header("access-control-max-age").is_some());
    assert_eq!(answer.header("vary"), Some("origin"));
    let put = http.send("PUT /v1/kv/a", &[("Origin", APP)], "v").await.expect(201);
    assert_eq!(put.header("access-control-allow-origin"), Some(APP));
    let got = http.send("GET /v1/kv/a", &[("Origin", APP)], "").await.expect(200);
    assert!(got.header("access-control-expose-headers").unwrap().contains("etag"));
    let vary: Vec<_> = got.headers.iter().filter(|(name, _)| name == "vary").collect();
    assert_eq!(vary.len(), 2, "accept and origin");
    let absent = http.send("GET /v1/kv/none", &[("Origin", APP)], "").await.expect(404);
    assert_eq!(absent.header("access-control-allow-origin"), Some(APP), "problems too");
}

#[tokio::test]
async fn other_origins_may_not() {
    let server = start_with(&[("server.http_cors_origins", "https://app.example")]);
    let mut http = http(&server).await;
    for origin in ["https://app.example.evil", "http://app.example", "https://APP.example", "null"]
    {
        let preflight = [("Origin", origin), ("Access-Control-Request-Method", "PUT")];
        let answer = http.send("OPTIONS /v1/kv/a", &preflight, "").await.expect(204);
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("access-control-allow-methods"), None);
        assert_eq!(answer.header("vary"), Some("origin"), "caches must not mix them up");
        let put = http.send("PUT /v1/kv/a", &[("Origin", origin)], "v").await;
        put.expect_problem(403, "ORIGIN_NOT_ALLOWED", &[origin]);
    }
}

#[tokio::test]
async fn all_origins_may_when_all_are_allowed() {
    let server = start_with(&[("server.http_cors_origins", "*")]);
    let mut http = http(&server).await;
    for origin in [APP, "null"] {
        let put = http.send("PUT /v1/kv/a", &[("Origin", origin)], "v").await;
        assert_eq!(put.header("access-control-allow-origin"), Some(origin));
        assert!(put.status < 300);
    }
}

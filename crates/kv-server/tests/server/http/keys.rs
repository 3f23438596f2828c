//! Keys in paths, and paths that are none.

use kv_core::{Action, Op};
use kv_server::testing::TestServer;

use crate::support::http::http;

#[tokio::test]
async fn a_path_is_the_key_that_it_encodes() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (path, key) in [
        ("plain", &b"plain"[..]),
        ("a%20b", b"a b"),
        ("a+b", b"a+b"),
        ("a/b", b"a/b"),
        ("a%2Fc", b"a/c"),
        ("/", b"/"),
        ("a//", b"a//"),
        ("../x", b"../x"),
        ("%2e%2e", b".."),
        ("a:increment", b"a:increment"),
        ("a;b=c,d", b"a;b=c,d"),
        ("%00%ff", b"\0\xff"),
        ("%25%3F%23", b"%?#"),
        ("gr%C3%BCn", "gr\u{fc}n".as_bytes()),
        ("gr\u{fc}n2", "gr\u{fc}n2".as_bytes()),
    ] {
        http.send(&format!("PUT /v1/kv/{path}"), &[], path).await.expect(201);
        let reply = server.store().execute(&Op::new(key, Action::Get)).unwrap();
        assert_eq!(reply.into_value().unwrap(), path, "{path} is {key:?}");
        assert_eq!(http.ask(&format!("GET /v1/kv/{path}")).await.text(), path);
    }
}

#[tokio::test]
async fn a_whole_url_is_as_good_as_a_path() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.send("PUT http://elsewhere.test/v1/kv/a", &[], "v").await.expect(201);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "v");
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.ask("GET /v1/kv/").await.expect_problem(400, "KEY_EMPTY", &["at least 1 byte"]);
    for path in ["%", "a%4", "%zz"] {
        let answer = http.ask(&format!("GET /v1/kv/{path}")).await;
        answer.expect_problem(400, "BAD_PATH", &["%25"]);
    }
}

#[tokio::test]
async fn keys_are_as_long_as_allowed_and_not_one_byte_longer() {
    let server = crate::support::start_with(&[("limits.key_bytes_max", "20000")]);
    let mut http = http(&server).await;
    let longest = "k".repeat(20_000);
    http.send(&format!("PUT /v1/kv/{longest}"), &[], "v").await.expect(201);
    assert_eq!(http.ask(&format!("GET /v1/kv/{longest}")).await.text(), "v");
    // Encoded, it is three times as long and still the same.
    let encoded = "%6B".repeat(20_000);
    assert_eq!(http.ask(&format!("GET /v1/kv/{encoded}")).await.text(), "v");
    let answer = http.ask(&format!("GET /v1/kv/{longest}k")).await;
    answer.expect_problem(414, "KEY_TOO_LONG", &["20001 bytes", "limits.key_bytes_max"]);
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_told_from_methods_that_are_not_there() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for path in ["/", "/v1", "/v1/kv:", "/v2/kv/a", "/v1/kv:batch/x", "/favicon.ico"] {
        let answer = http.ask(&format!("GET {path}")).await;
        answer.expect_problem(404, "PATH_NOT_FOUND", &["/openapi.json"]);
    }
    for (request, allow) in [
        ("PATCH /v1/kv/a", "GET, HEAD, PUT, DELETE, POST, OPTIONS"),
        ("TRACE /v1/kv/a", "GET, HEAD, PUT, DELETE, POST, OPTIONS"),
        ("BREW /v1/kv/a", "GET, HEAD, PUT, DELETE, POST, OPTIONS"),
        ("PUT /v1/kv", "GET, HEAD, OPTIONS"),
        ("DELETE /v1/kv", "GET, HEAD, OPTIONS"),
        ("POST /v1/kv", "GET, HEAD, OPTIONS"),
        ("GET /v1/kv:batch", "POST, OPTIONS"),
        ("POST /openapi.json", "GET, HEAD, OPTIONS"),
    ] {
        let answer = http.ask(request).await;
        answer.expect_problem(405, "METHOD_NOT_ALLOWED", &[allow]);
        assert_eq!(answer.header("allow"), Some(allow));
        let path = request.split(' ').nth(1).unwrap();
        let options = http.ask(&format!("OPTIONS {path}")).await.expect(204);
        assert_eq!(options.header("allow"), Some(allow));
    }
}

#[tokio::test]
async fn the_description_is_json() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let described = http.ask("GET /openapi.json").await.expect(200).json();
    assert_eq!(described["openapi"], "3.1.0");
    let head = http.ask("HEAD /openapi.json").await.expect(200);
    assert!(head.header("content-length").is_some_and(|length| length.len() > 3), "{head:?}");
}

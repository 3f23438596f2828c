//! `/openapi.json` says what is answered: every method and status that there is, and none that there is not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test panics"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use kv_core::{Action, JournalError, Op};
use kv_server::testing::TestServer;
use kv_server::{Backend, Readiness};
use serde_json::{Value, json};

use crate::support::http::{Answer, Http, head, http};
use crate::support::log::{backend, start};
use crate::support::schema::{check, resolved};
use crate::support::start_with;
use crate::support::store::Watched;

const KEY: &str = "/v1/kv/{key}";
const KEYS: &str = "/v1/kv";
const BATCH: &str = "/v1/kv:batch";
const DESCRIPTION: &str = "/openapi.json";

const JSON: (&str, &str) = ("Content-Type", "application/json");
const AS_JSON: (&str, &str) = ("Accept", "application/json");
const STRANGE: (&str, &str) = ("Origin", "https://strange.example");

/// The document, and what of it was seen.
struct Described {
    document: Value,
    /// Path, method and status of every answer looked at.
    seen: BTreeSet<(String, String, String)>,
}

impl Described {
    async fn load() -> Self {
        let server = TestServer::start();
        let document = http(&server).await.ask("GET /openapi.json").await.json();
        Self { document, seen: BTreeSet::new() }
    }

    /// Proves that an answer to a request such as `GET /v1/kv/a?x=y` is described.
    #[track_caller]
    fn look(&mut self, request: &str, answer: &Answer) {
        let (method, target) = request.split_once(' ').expect("a method and a target");
        let path = match target.split('?').next().expect("a path") {
            key if key.starts_with("/v1/kv/") => KEY,
            path => path,
        };
        let (method, status) = (method.to_ascii_lowercase(), answer.status.to_string());
        let responses = &self.document["paths"][path][&method]["responses"];
        let response = responses.get(&status);
        let response = response.unwrap_or_else(|| panic!("{request}: {status} is not described"));
        let response = resolved(&self.document, response);
        self.look_at_headers(response, answer);
        let content = &response["content"];
        match answer.header("content-type") {
            Some(media) if method != "head" && status != "201" => {
                let described = content.get(media);
                let described =
                    described.unwrap_or_else(|| panic!("{request}: {status} as {media}"));
                if media.ends_with("json") {
                    let body = serde_json::from_slice(&answer.body).expect("JSON");
                    check(&self.document, &described["schema"], &body);
                }
            }
            _ => assert!(answer.body.is_empty() || status == "201", "{request}: {answer:?}"),
        }
        self.seen.insert((path.to_owned(), method, status));
    }

    /// Headers of this API are described wherever they are, and are what is described.
    #[track_caller]
    fn look_at_headers(&self, response: &Value, answer: &Answer) {
        const OWN: [&str; 8] = [
            "etag",
            "kv-version",
            "kv-durability",
            "kv-ttl-ms",
            "content-range",
            "retry-after",
            "accept-ranges",
            "allow",
        ];
        let empty = serde_json::Map::new();
        let described = response["headers"].as_object().unwrap_or(&empty);
        for (name, value) in &answer.headers {
            let header = described.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((_, header)) = header else {
                assert!(
                    !OWN.contains(&name.as_str()),
                    "{name} of {} is not described",
                    answer.status
                );
                continue;
            };
            let schema = &resolved(&self.document, header)["schema"];
            let value = match value.parse::<u64>() {
                Ok(number) => json!(number),
                Err(_text) => json!(value),
            };
            check(&self.document, schema, &value);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a request, and the status it is to get")]
    async fn ask(
        &mut self,
        http: &mut Http,
        status: u16,
        request: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let answer = http.send(request, headers, body).await;
        assert_eq!(answer.status, status, "{request} {headers:?}: {answer:?}");
        self.look(request, &answer);
    }

    /// Everything that is described.
    fn all(&self) -> BTreeSet<(String, String, String)> {
        const METHODS: [&str; 6] = ["get", "head", "put", "delete", "post", "options"];
        let paths = self.document["paths"].as_object().expect("paths");
        let mut all = BTreeSet::new();
        for (path, operations) in paths {
            for method in METHODS {
                let responses = operations[method]["responses"].as_object();
                for status in responses.into_iter().flat_map(serde_json::Map::keys) {
                    all.insert((path.clone(), method.to_owned(), status.clone()));
                }
            }
        }
        all
    }
}

#[tokio::test]
async fn every_answer_is_described_and_every_description_is_given() {
    let mut described = Described::load().await;
    what_succeeds(&mut described).await;
    what_is_wrong_everywhere(&mut described).await;
    what_is_wrong_with_keys(&mut described).await;
    what_is_wrong_with_many(&mut described).await;
    what_others_do_meanwhile(&mut described).await;
    what_takes_too_long(&mut described).await;
    what_has_no_room(&mut described).await;
    what_is_in_flight(&mut described).await;
    what_is_loading(&mut described).await;
    let all = described.all();
    let unseen: Vec<_> = all.difference(&described.seen).collect();
    assert!(unseen.is_empty(), "described and not given: {unseen:?}");
}

async fn what_succeeds(described: &mut Described) {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (status, request, headers, body) in [
        (201, "PUT /v1/kv/a?ttl=1h", &[][..], "v"),
        (204, "PUT /v1/kv/a?ttl=1h", &[], "v"),
        (200, "PUT /v1/kv/a", &[JSON], r#"{"value":"v","return_previous":true,"ttl_ms":9999}"#),
        (201, "PUT /v1/kv/b", &[JSON], r#"{"value":{"base64":"/w=="}}"#),
        (204, "PUT /v1/kv/none?expires_at_ms=1", &[], "v"),
        (200, "GET /v1/kv/a", &[], ""),
        (200, "GET /v1/kv/a", &[AS_JSON], ""),
        (200, "GET /v1/kv/a", &[("Accept", "application/protobuf")], ""),
        (206, "GET /v1/kv/a", &[("Range", "bytes=0-0")], ""),
        (304, "GET /v1/kv/a", &[("If-None-Match", "*")], ""),
        (200, "HEAD /v1/kv/a", &[], ""),
        (304, "HEAD /v1/kv/a", &[("If-None-Match", "*")], ""),
        (200, "POST /v1/kv/n?op=increment", &[], ""),
        (200, "POST /v1/kv/n?op=increment", &[AS_JSON], ""),
        (204, "POST /v1/kv/a?op=append", &[], "v"),
        (200, "POST /v1/kv/a?op=append", &[AS_JSON], "v"),
        (200, "POST /v1/kv/a?op=expire&ttl=1h", &[AS_JSON], ""),
        (204, "POST /v1/kv/a?op=persist", &[], ""),
        (200, "GET /v1/kv?values=true", &[], ""),
        (200, "GET /v1/kv?limit=1", &[], ""),
        (200, "GET /v1/kv", &[("Accept", "application/protobuf")], ""),
        (200, "HEAD /v1/kv", &[], ""),
        (200, "GET /openapi.json", &[], ""),
        (200, "HEAD /openapi.json", &[], ""),
        (204, "OPTIONS /v1/kv/a", &[], ""),
        (204, "OPTIONS /v1/kv", &[], ""),
        (204, "OPTIONS /v1/kv:batch", &[], ""),
        (204, "OPTIONS /openapi.json", &[], ""),
        (204, "DELETE /v1/kv/a", &[], ""),
        (200, "DELETE /v1/kv/b", &[AS_JSON], ""),
    ] {
        described.ask(&mut http, status, request, headers, body).await;
    }
    let ops = json!([
        {"set": {"key": "a", "value": "1", "return_previous": true}},
        {"set": {"key": "a", "value": "1", "return_previous": true}}, {"get": {"key": "a"}},
        {"get": {"key": "none"}}, {"exists": {"key": "a"}}, {"increment": {"key": "a"}},
        {"append": {"key": "a", "suffix": "x"}}, {"expire": {"key": "a", "ttl_ms": 9999}},
        {"increment": {"key": "a"}}, {"delete": {"key": "a"}}, {"get": {"key": ""}},
    ]);
    for atomic in [false, true] {
        let body = json!({"ops": ops, "atomic": atomic}).to_string();
        described.ask(&mut http, 200, "POST /v1/kv:batch", &[JSON], &body).await;
    }
    let protobuf = [JSON, ("Accept", "application/x-protobuf")];
    described.ask(&mut http, 200, "POST /v1/kv:batch", &protobuf, r#"{"ops":[]}"#).await;
}

/// What does not depend on who asks for what.
async fn what_is_wrong_everywhere(described: &mut Described) {
    let server = TestServer::start();
    for (path, methods) in [
        (KEY, &["GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS"][..]),
        (KEYS, &["GET", "HEAD", "OPTIONS"]),
        (BATCH, &["POST", "OPTIONS"]),
        (DESCRIPTION, &["GET", "HEAD", "OPTIONS"]),
    ] {
        let allowed =
            http(&server).await.ask(&format!("OPTIONS {}", path.replace("{key}", "a"))).await;
        assert_eq!(allowed.header("allow").unwrap().split(", ").count(), methods.len(), "{path}");
        for method in methods {
            let request = format!("{method} {}", path.replace("{key}", "a"));
            let mut http = http(&server).await;
            described.ask(&mut http, 400, &request, &[("Host", "again")], "").await;
            described.ask(&mut http, 417, &request, &[("Expect", "more")], "").await;
            if ["PUT", "DELETE", "POST"].contains(method) {
                described.ask(&mut http, 403, &request, &[STRANGE], "").await;
            }
        }
    }
}

async fn what_is_wrong_with_keys(described: &mut Described) {
    let settings = [("limits.key_bytes_max", "100"), ("limits.value_bytes_max", "100")];
    let server = start_with(&settings);
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/a", &[], "text").await;
    let long = "k".repeat(101);
    let (etag, page) = (("If-Match", "\"1\""), ("Accept", "text/html"));
    let too_long = "v".repeat(101);
    for (status, method, query, headers, body) in [
        (404, "GET", "", &[][..], ""),
        (406, "GET", "", &[page], ""),
        (412, "GET", "", &[etag], ""),
        (414, "GET", "", &[], ""),
        (416, "GET", "", &[("Range", "bytes=99-")], ""),
        (404, "HEAD", "", &[], ""),
        (406, "HEAD", "", &[page], ""),
        (412, "HEAD", "", &[etag], ""),
        (414, "HEAD", "", &[], ""),
        (412, "PUT", "", &[etag], ""),
        (413, "PUT", "", &[], too_long.as_str()),
        (414, "PUT", "", &[], ""),
        (415, "PUT", "", &[("Content-Type", "image/png")], ""),
        (415, "PUT", "", &[("Content-Encoding", "gzip")], ""),
        (404, "DELETE", "", &[], ""),
        (412, "DELETE", "", &[etag], ""),
        (414, "DELETE", "", &[], ""),
        (404, "POST", "?op=persist", &[], ""),
        (406, "POST", "?op=increment", &[page], ""),
        (409, "POST", "?op=increment", &[], ""),
        (412, "POST", "?op=persist", &[etag], ""),
        (413, "POST", "?op=append", &[], too_long.as_str()),
        (414, "POST", "?op=persist", &[], ""),
        (415, "POST", "?op=append", &[("Content-Type", "image/png")], ""),
    ] {
        let key = match status {
            404 => "none",
            414 => &long,
            _ => "a",
        };
        let request = format!("{method} /v1/kv/{key}{query}");
        described.ask(&mut http, status, &request, headers, body).await;
    }
}

async fn what_is_wrong_with_many(described: &mut Described) {
    let settings = [("limits.message_bytes_max", "100000"), ("limits.batch_ops_max", "1")];
    let server = start_with(&settings);
    let mut http = http(&server).await;
    for _twice in 0..2 {
        http.send("POST /v1/kv/big?op=append", &[], vec![b'x'; 90_000]).await.expect(204);
    }
    let page = ("Accept", "text/html");
    for method in ["GET", "HEAD"] {
        let list = |query: &str| format!("{method} /v1/kv{query}");
        described.ask(&mut http, 400, &list("?limit=0"), &[], "").await;
        described.ask(&mut http, 406, &list(""), &[page], "").await;
        described.ask(&mut http, 413, &list("?values=true"), &[], "").await;
    }
    let batch = "POST /v1/kv:batch";
    described.ask(&mut http, 400, batch, &[JSON], "{").await;
    described.ask(&mut http, 406, batch, &[JSON, page], r#"{"ops":[]}"#).await;
    let two = r#"{"ops":[{"get":{"key":"a"}},{"get":{"key":"a"}}]}"#;
    described.ask(&mut http, 413, batch, &[JSON], two).await;
    described.ask(&mut http, 415, batch, &[], "").await;
}

/// Somebody changes the key between every look at it and the write.
async fn what_others_do_meanwhile(described: &mut Described) {
    let store = Watched::new(|store, op| {
        if !op.action.is_read() {
            store.execute(&Op::new(op.key, Action::Append { suffix: b"x" })).expect("a write");
        }
    });
    let server = TestServer::start_over(Arc::new(store), |_config| {});
    let mut http = http(&server).await;
    let not_one = [("If-None-Match", "\"1\"")];
    for request in ["PUT /v1/kv/a", "DELETE /v1/kv/a", "POST /v1/kv/a?op=append"] {
        let answer = http.send(request, &not_one, "").await;
        answer.expect_problem(409, "KEY_CONTENDED", &["16 attempts"]);
        described.look(request, &answer);
    }
}

async fn what_takes_too_long(described: &mut Described) {
    let server = start_with(&[("limits.request_timeout", "10ms")]);
    for request in ["PUT /v1/kv/a", "POST /v1/kv/a?op=append", "POST /v1/kv:batch"] {
        let mut http = http(&server).await;
        let headers: &[_] = if request.ends_with("batch") { &[JSON] } else { &[] };
        http.write(head(request, headers, 5)).await;
        let answer = http.receive(false).await.expect(408);
        described.look(request, &answer);
    }
}

async fn what_has_no_room(described: &mut Described) {
    let logged = start(&[]).await;
    let mut http = http(&logged.server).await;
    http.send("PUT /v1/kv/a", &[], "v").await.expect(201);
    let reason = "no space".to_owned();
    logged.journal.refuse(Some(JournalError::DiskFull { reason }));
    for request in ["PUT /v1/kv/a", "DELETE /v1/kv/a", "POST /v1/kv/a?op=append"] {
        described.ask(&mut http, 507, request, &[], "").await;
    }
}

/// Two slow clients leave no room for a third large answer or request.
async fn what_is_in_flight(described: &mut Described) {
    let size = 9 << 20;
    let server = start_with(&[
        ("limits.value_bytes_max", "10MiB"),
        ("limits.message_bytes_max", "10MiB"),
        ("limits.connection_bytes_max", "21MiB"),
        ("limits.requests_bytes_max", "21MiB"),
    ]);
    let mut first = http(&server).await;
    first.send("PUT /v1/kv/big", &[], vec![b'x'; size]).await.expect(201);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut http = http(&server).await;
        http.write(head("GET /v1/kv/big", &[], 0)).await;
        http.begins().await;
        slow.push(http);
    }
    let body = "x".repeat(size);
    for (request, headers, body) in [
        ("GET /v1/kv/big", &[][..], ""),
        ("HEAD /v1/kv/big", &[AS_JSON], ""),
        ("GET /v1/kv?values=true", &[], ""),
        ("HEAD /v1/kv?values=true", &[], ""),
        ("POST /v1/kv:batch", &[JSON], r#"{"ops":[{"get":{"key":"big"}}]}"#),
        ("PUT /v1/kv/a", &[], &body),
        ("POST /v1/kv/a?op=append", &[], &body),
    ] {
        let mut http = http(&server).await;
        http.write(head(request, headers, body.len())).await;
        http.try_write(body).await;
        let answer = http.receive(request.starts_with("HEAD")).await.expect(429);
        described.look(request, &answer);
    }
}

async fn what_is_loading(described: &mut Described) {
    let backend: Backend = backend(&Arc::default()).readiness(Readiness::loading());
    let server = TestServer::start_backend(backend, |_config| {});
    let mut http = http(&server).await;
    for request in [
        "GET /v1/kv/a",
        "HEAD /v1/kv/a",
        "PUT /v1/kv/a",
        "DELETE /v1/kv/a",
        "POST /v1/kv/a",
        "GET /v1/kv",
        "HEAD /v1/kv",
        "POST /v1/kv:batch",
    ] {
        described.ask(&mut http, 503, request, &[], "").await;
    }
}

#[tokio::test]
async fn problems_have_their_places_in_the_document() {
    let described = Described::load().await;
    let problems = described.document["x-problems"].as_object().expect("problems");
    let reasons = described.document["components"]["schemas"]["Reason"]["enum"].as_array();
    let named: BTreeSet<&str> = reasons.unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(problems.keys().map(String::as_str).collect::<BTreeSet<_>>(), named);
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (request, reason) in [
        ("GET /v1/kv/none", "KEY_NOT_FOUND"),
        ("GET /nowhere", "PATH_NOT_FOUND"),
        ("PATCH /v1/kv/a", "METHOD_NOT_ALLOWED"),
    ] {
        let answer = http.ask(request).await;
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        let place = problem["type"].as_str().and_then(|kind| kind.split_once('#')).unwrap().1;
        let described = described.document.pointer(place).expect("the place exists");
        assert_eq!(place, format!("/x-problems/{reason}"));
        assert_eq!(described["title"], problem["title"]);
        assert_eq!(described["status"], problem["status"]);
    }
}

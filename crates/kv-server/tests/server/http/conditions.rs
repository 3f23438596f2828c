//! `If-Match` and `If-None-Match`, for reads and for every write.

use kv_server::testing::TestServer;

use crate::support::http::{Http, http};

/// Every request that can write, with its body.
const WRITES: [(&str, &str); 5] = [
    ("PUT /v1/kv/a", "v"),
    ("DELETE /v1/kv/a", ""),
    ("POST /v1/kv/a?op=append", "v"),
    ("POST /v1/kv/a?op=expire&ttl=1h", ""),
    ("POST /v1/kv/a?op=persist", ""),
];

async fn put(http: &mut Http) -> u64 {
    http.send("PUT /v1/kv/a?ttl=1h", &[], "v").await.version()
}

fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

#[tokio::test]
async fn a_value_that_the_client_has_is_not_sent_again() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = put(&mut http).await;
    let (same, weak, other) = (tag(version), format!("W/{}", tag(version)), tag(version - 1));
    let list = format!("{other}, {same}");
    for if_none_match in [same.as_str(), &weak, &list, "*"] {
        for method in ["GET", "HEAD"] {
            let request = format!("{method} /v1/kv/a");
            let answer = http.send(&request, &[("If-None-Match", if_none_match)], "").await;
            let answer = answer.expect(304);
            assert_eq!(answer.header("etag"), Some(same.as_str()), "{if_none_match}");
            assert_eq!(answer.header("vary"), Some("accept"));
            assert!(answer.header("cache-control").is_some() && answer.header("date").is_some());
            assert_eq!(answer.header("content-type"), None);
        }
    }
    for if_none_match in [other.as_str(), "\"x\"", "\"\""] {
        http.send("GET /v1/kv/a", &[("If-None-Match", if_none_match)], "").await.expect(200);
    }
    let twice = [("If-None-Match", other.as_str()), ("If-None-Match", same.as_str())];
    http.send("GET /v1/kv/a", &twice, "").await.expect(304);
    http.send("GET /v1/kv/none", &[("If-None-Match", &same)], "").await.expect(404);
    let json = [("If-None-Match", same.as_str()), ("Accept", "application/json")];
    let answer = http.send("GET /v1/kv/a", &json, "").await.expect(304);
    assert_eq!(answer.header("etag"), Some(weak.as_str()));
}

#[tokio::test]
async fn a_read_of_another_version_than_wanted_is_refused() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = put(&mut http).await;
    http.send("GET /v1/kv/a", &[("If-Match", &tag(version))], "").await.expect(200);
    http.send("GET /v1/kv/a", &[("If-Match", "*")], "").await.expect(200);
    let answer = http.send("GET /v1/kv/a", &[("If-Match", &tag(version - 1))], "").await;
    let problem = answer.expect_problem(412, "PRECONDITION_FAILED", &["If-Match"]);
    assert_eq!(problem["version"], version);
    assert_eq!(answer.version(), version, "the present one is told");
    // What would be 404 without a precondition is 404 with one.
    http.send("GET /v1/kv/none", &[("If-Match", "*")], "").await.expect(404);
}

#[tokio::test]
async fn if_match_comes_before_if_none_match() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = put(&mut http).await;
    let (same, other) = (tag(version), tag(version - 1));
    let both = [("If-Match", other.as_str()), ("If-None-Match", same.as_str())];
    http.send("GET /v1/kv/a", &both, "").await.expect(412);
    let both = [("If-Match", same.as_str()), ("If-None-Match", same.as_str())];
    http.send("GET /v1/kv/a", &both, "").await.expect(304);
    http.send("PUT /v1/kv/a", &both, "w").await.expect(412);
    let both = [("If-Match", same.as_str()), ("If-None-Match", other.as_str())];
    http.send("PUT /v1/kv/a", &both, "w").await.expect(204);
}

#[tokio::test]
async fn every_write_is_made_when_its_precondition_holds() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (request, body) in WRITES {
        for case in 0..6 {
            let version = put(&mut http).await;
            let (same, other) = (tag(version), tag(version - 1));
            let (name, value) = match case {
                0 => ("If-Match", same),
                1 => ("If-Match", "*".to_owned()),
                2 => ("If-Match", format!("{other}, {same}, \"x\"")),
                3 => ("If-None-Match", other),
                4 => ("If-None-Match", format!("{other}, W/{other}")),
                _ => ("If-None-Match", "\"x\"".to_owned()),
            };
            let answer = http.send(request, &[(name, &value)], body).await;
            assert_eq!(answer.status, 204, "{request} with {name}: {value}: {answer:?}");
            assert_ne!(answer.header("kv-version"), Some(version.to_string().as_str()));
        }
    }
}

#[tokio::test]
async fn no_write_is_made_when_its_precondition_does_not_hold() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = put(&mut http).await;
    let (same, other) = (tag(version), tag(version - 1));
    let (weak, list) = (format!("W/{same}"), format!("{other}, {same}"));
    for (request, body) in WRITES {
        for (name, value) in [
            ("If-Match", other.as_str()),
            ("If-Match", &weak),
            ("If-Match", "\"x\", \"y\""),
            ("If-None-Match", "*"),
            ("If-None-Match", &same),
            ("If-None-Match", &weak),
            ("If-None-Match", &list),
        ] {
            let answer = http.send(request, &[(name, value)], body).await;
            let problem = answer.expect_problem(412, "PRECONDITION_FAILED", &[name]);
            assert_eq!(problem["version"], version, "{request} with {name}: {value}");
            assert_eq!(answer.version(), version);
        }
    }
    assert_eq!(http.ask("GET /v1/kv/a").await.version(), version, "nothing was written");
}

#[tokio::test]
async fn keys_that_do_not_exist_have_no_version() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (name, value) in [("If-Match", "*"), ("If-Match", "\"1\""), ("If-Match", "\"1\", \"2\"")] {
        for (request, body) in WRITES {
            let answer = http.send(request, &[(name, value)], body).await;
            // PUT and append would make the key; the others could do nothing in any case.
            if request.starts_with("PUT") || request.contains("append") {
                let problem = answer.expect_problem(412, "PRECONDITION_FAILED", &["not exist"]);
                assert_eq!((&problem["version"], answer.header("etag")), (&0.into(), None));
            } else {
                answer.expect_problem(404, "KEY_NOT_FOUND", &[]);
            }
        }
    }
    for (if_none_match, status) in [("*", 201), ("\"1\"", 204), ("*", 412)] {
        let answer = http.send("PUT /v1/kv/a", &[("If-None-Match", if_none_match)], "v").await;
        answer.expect(status);
    }
    for (request, body) in WRITES {
        http.ask("DELETE /v1/kv/a").await;
        let answer = http.send(request, &[("If-None-Match", "\"1\"")], body).await;
        let makes = request.starts_with("PUT") || request.contains("append");
        assert_eq!(makes, answer.status < 300, "{request}: {answer:?}");
        assert_eq!(!makes, answer.status == 404, "{request}: {answer:?}");
    }
}

#[tokio::test]
async fn malformed_preconditions_are_refused_rather_than_ignored() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (request, body) in WRITES.into_iter().chain([("GET /v1/kv/a", "")]) {
        for name in ["If-Match", "If-None-Match"] {
            for value in ["", "1", "\"1", "\"1\" \"2\"", "*, \"1\"", "w/\"1\""] {
                let answer = http.send(request, &[(name, value)], body).await;
                answer.expect_problem(400, "BAD_HEADER", &[name, "entity tags"]);
            }
        }
    }
    assert_eq!(server.store().stats().writes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_replace_one_version_one_wins() {
    let server = TestServer::start();
    let mut first = http(&server).await;
    for lists in [false, true] {
        let version = put(&mut first).await;
        let if_match = if lists { format!("\"1\", {}", tag(version)) } else { tag(version) };
        let racers = (0..8).map(|racer| {
            let (addr, if_match) = (crate::support::http::addr(&server), if_match.clone());
            tokio::spawn(async move {
                let mut http = Http::connect(addr).await;
                let value = racer.to_string();
                http.send("PUT /v1/kv/a", &[("If-Match", &if_match)], value).await.status
            })
        });
        let racers: Vec<_> = racers.collect();
        let mut statuses = Vec::new();
        for racer in racers {
            statuses.push(racer.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 412, 412, 412, 412, 412, 412, 412], "lists: {lists}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn increments_under_a_precondition_of_others_are_never_lost() {
    let server = TestServer::start();
    let mut first = http(&server).await;
    let racers = (0..4).map(|_| {
        let addr = crate::support::http::addr(&server);
        tokio::spawn(async move {
            let mut http = Http::connect(addr).await;
            let mut made = 0;
            for _ in 0..100 {
                let headers = [("If-None-Match", "\"1\"")];
                let answer = http.send("POST /v1/kv/n?op=increment", &headers, "").await;
                // Others may have been faster each time, which is said and means that nothing was done.
                assert!([200, 409].contains(&answer.status), "{answer:?}");
                made += i64::from(answer.status == 200);
            }
            made
        })
    });
    let racers: Vec<_> = racers.collect();
    let mut made = 0;
    for racer in racers {
        made += racer.await.unwrap();
    }
    assert_eq!(first.ask("GET /v1/kv/n").await.text(), made.to_string());
}

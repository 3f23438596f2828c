//! Which calls are sent again, how often, and where to: the table in the crate's documentation.

use std::time::Duration;

use kv_client::{Client, Error, ErrorKind, Reason, RetryPolicy};
use tonic::Code;

use crate::fake::{
    Cutting, Fake, Step, answering, builder, client, closed_address, dropping, refusal,
    silent_address,
};

fn shutting_down() -> Step {
    Step::Fail(refusal(Code::Unavailable, "SHUTTING_DOWN", "shutting down"))
}

/// Sends the call named so; `Ok` when it succeeds.
async fn send(client: &Client, name: &str) -> Result<(), Error> {
    match name {
        "get" => client.get("k").await.map(drop),
        "exists" => client.exists("k").await.map(drop),
        "batch_get" => client.batch_get(["k"]).await.map(drop),
        "set" => client.set("k", "v").await.map(drop),
        "delete" => client.delete("k").await.map(drop),
        "increment" => client.increment("k", 1).await.map(drop),
        "append" => client.append("k", "v").await.map(drop),
        "expire" => client.expire("k", Duration::from_secs(1)).await.map(drop),
        "batch_write" => client.batch().await.map(drop),
        _ => panic!("no call {name}"),
    }
}

const READS: [&str; 3] = ["get", "exists", "batch_get"];
const WRITES: [&str; 6] = ["set", "delete", "increment", "append", "expire", "batch_write"];

#[tokio::test]
async fn reads_are_repeated_while_the_server_is_busy_and_only_so_often() {
    for name in READS {
        let fake = Fake::start().await;
        fake.then(shutting_down()).then(Step::Fail(tonic::Status::resource_exhausted("full")));
        send(&fake.client(), name).await.unwrap();
        assert_eq!(fake.calls(), [name; 3]);

        fake.then(shutting_down()).then(shutting_down()).then(shutting_down());
        let error = send(&fake.client(), name).await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Retry, Some(&Reason::ShuttingDown)));
        assert_eq!(fake.calls(), [name; 6]);
    }
}

#[tokio::test]
async fn writes_are_sent_once_even_when_the_server_is_busy() {
    for name in WRITES {
        let fake = Fake::start().await;
        fake.then(shutting_down());
        let error = send(&fake.client(), name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Retry, "{name}");
        assert_eq!(fake.calls(), [name]);
    }
}

#[tokio::test]
async fn a_server_that_loads_has_executed_nothing_and_is_asked_again() {
    let loading = || Step::Fail(refusal(Code::Unavailable, "LOADING", "loading: 42 %"));
    for name in READS.into_iter().chain(WRITES) {
        let fake = Fake::start().await;
        fake.then(loading()).then(loading());
        send(&fake.client(), name).await.unwrap();
        assert_eq!(fake.calls(), [name; 3]);

        fake.then(loading()).then(loading()).then(loading());
        let error = send(&fake.client(), name).await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Retry, Some(&Reason::Loading)));
        assert_eq!(error.to_string(), "loading: 42 %");
    }
}

#[tokio::test]
async fn a_write_that_the_log_refused_is_sent_once() {
    for (code, reason, wanted) in [
        (Code::ResourceExhausted, "DISK_FULL", Reason::DiskFull),
        (Code::ResourceExhausted, "LOG_OVERLOADED", Reason::LogOverloaded),
        (Code::Unavailable, "LOG_UNAVAILABLE", Reason::LogUnavailable),
    ] {
        let fake = Fake::start().await;
        fake.then(Step::Fail(refusal(code, reason, "words")));
        let error = send(&fake.client(), "set").await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Retry, Some(&wanted)));
        assert_eq!(fake.calls(), ["set"]);
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_told_in_the_servers_words_and_never_repeated() {
    for name in READS.into_iter().chain(WRITES) {
        let fake = Fake::start().await;
        let words = "the outcome is unknown: EIO";
        fake.then(Step::Fail(refusal(Code::Unknown, "OUTCOME_UNKNOWN", words)));
        let error = send(&fake.client(), name).await.unwrap_err();
        assert!(matches!(error, Error::DurabilityUnknown { .. }), "{name}: {error:?}");
        assert_eq!(
            (error.kind(), error.reason()),
            (ErrorKind::Unknown, Some(&Reason::OutcomeUnknown))
        );
        assert_eq!(error.to_string(), words);
        assert_eq!(fake.calls(), [name]);
    }
}

#[tokio::test]
async fn a_refused_request_is_not_repeated_and_keeps_the_servers_words() {
    for name in READS.into_iter().chain(WRITES) {
        let fake = Fake::start().await;
        let words = "key is empty: 1 to 65536 bytes are allowed";
        fake.then(Step::Fail(refusal(Code::InvalidArgument, "KEY_EMPTY", words)));
        let error = send(&fake.client(), name).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.reason()),
            (ErrorKind::BadRequest, Some(&Reason::KeyEmpty))
        );
        assert_eq!(error.to_string(), words);
        assert_eq!(fake.calls(), [name]);
    }
}

#[tokio::test]
async fn every_call_goes_on_to_an_address_that_can_be_reached() {
    let fake = Fake::start().await;
    for name in READS.into_iter().chain(WRITES) {
        // Whichever address comes first in turn, one attempt in two is refused.
        let client = client([closed_address(), fake.address]);
        for _turn in 0..2 {
            send(&client, name).await.unwrap();
        }
    }
    assert_eq!(fake.calls().len(), 2 * (READS.len() + WRITES.len()));
}

#[tokio::test]
async fn when_nobody_listens_the_error_names_address_and_cause() {
    for name in READS.into_iter().chain(WRITES) {
        let address = closed_address();
        let error = send(&client([address]), name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{name}");
        let expected = format!("cannot reach kv-server at http://{address}: Connection refused");
        assert!(error.to_string().starts_with(&expected), "{name}: {error}");
    }
    let address = closed_address();
    let error = Client::connect(address.to_string()).await.unwrap_err();
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn connecting_goes_on_to_an_address_that_can_be_reached() {
    let fake = Fake::start().await;
    let client = builder([closed_address(), fake.address]).connect().await.unwrap();
    send(&client, "get").await.unwrap();
    assert_eq!(fake.calls(), ["get"]);
}

#[tokio::test]
async fn a_broken_connection_repeats_reads_and_leaves_writes_unknown() {
    let fake = Fake::start().await;
    for name in READS {
        let address = dropping(2, fake.address).await;
        send(&client([address]), name).await.unwrap();
    }
    assert_eq!(fake.calls(), READS);
    for name in WRITES {
        let address = dropping(1, fake.address).await;
        let error = send(&client([address]), name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown, "{name}: {error}");
    }
    assert_eq!(fake.calls(), READS);
}

#[tokio::test]
async fn a_server_of_another_kind_is_told_from_one_that_lost_an_answer() {
    // What HTTP/1 and RESP servers say to the first bytes of HTTP/2, and an HTTP/2 server without
    // gRPC: the headers `:status: 404`, which end the stream or are followed by a page.
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"-ERR unknown command 'PRI'\r\n",
        http2(b"\0\0\x01\x01\x05\0\0\0\x01\x8d"),
        http2(b"\0\0\x01\x01\x04\0\0\0\x01\x8d\0\0\x0a\0\x01\0\0\0\x01{\"error\":1"),
    ];
    for answer in answers {
        let address = answering(answer).await;
        for name in ["get", "set"] {
            let error = send(&client([address]), name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable, "{name}: {error}");
            let expected = format!("http://{address}: what answers there does not speak gRPC (");
            assert!(error.to_string().contains(&expected), "{name}: {error}");
        }
    }
}

/// What a server says after its settings and the acknowledgement of ours.
fn http2(frame: &[u8]) -> &'static [u8] {
    let settings = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
    [&settings[..], frame].concat().leak()
}

#[tokio::test]
async fn a_call_that_the_server_did_not_begin_with_goes_on_to_another() {
    // GOAWAY: the last stream that was begun with is none. RST_STREAM of the first one: refused.
    let going = http2(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let refusing = http2(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07");
    for answer in [going, refusing] {
        let (away, fake) = (answering(answer).await, Fake::start().await);
        for name in READS.into_iter().chain(WRITES) {
            let error = send(&client([away]), name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable, "{name}: {error}");
            send(&client([away, fake.address]), name).await.unwrap();
        }
        assert_eq!(fake.calls(), READS.into_iter().chain(WRITES).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_write_that_the_server_may_have_begun_with_is_not_sent_again() {
    // GOAWAY: the first stream was begun with, without and with an error; RST_STREAM of it: internal error.
    let going = http2(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0");
    let failing = http2(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x02");
    let reset = http2(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02");
    for answer in [going, failing, reset] {
        let (away, fake) = (answering(answer).await, Fake::start().await);
        for name in WRITES {
            let error = send(&client([away, fake.address]), name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unknown, "{name}: {error}");
        }
        assert_eq!(fake.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn a_slow_connection_is_not_given_up_with_the_call_that_began_it() {
    let address = silent_address().await;
    let attempts_max = 1;
    let client = builder([address])
        .connect_timeout(Duration::from_millis(900))
        .request_timeout(Duration::from_millis(500))
        .retry(RetryPolicy { attempts_max, ..RetryPolicy::default() })
        .connect_lazy()
        .unwrap();
    // The first call ends before the attempt does; the second one waits for the same, and tells how it ended.
    let error = send(&client, "get").await.unwrap_err().to_string();
    assert!(error.contains("within 500ms"), "{error}");
    let error = send(&client, "get").await.unwrap_err().to_string();
    assert!(error.contains("no connection within 900ms"), "{error}");
}

#[test]
fn connections_stay_when_the_runtime_of_a_call_ends() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lasting = runtime();
    let (fake, client) = lasting.block_on(async {
        let fake = Fake::start().await;
        let client = builder([fake.address]).retry(RetryPolicy::NONE).connect_lazy().unwrap();
        (fake, client)
    });
    for _ in 0..3 {
        runtime().block_on(send(&client, "set")).unwrap();
    }
    lasting.block_on(send(&client, "set")).unwrap();
    assert_eq!(fake.calls(), ["set"; 4]);
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_broke_while_idle_is_opened_again_by_the_next_call() {
    let fake = Fake::start().await;
    let cutting = Cutting::start(fake.address).await;
    let client = builder([cutting.address]).retry(RetryPolicy::NONE).connect_lazy().unwrap();
    client.set("k", "v").await.unwrap();
    cutting.cut().await;
    client.set("k", "v").await.unwrap();
    assert_eq!(fake.calls(), ["set", "set"]);
}

#[tokio::test]
async fn calls_that_wait_for_one_connection_fail_with_it() {
    let address = silent_address().await;
    let connect_timeout = Duration::from_millis(400);
    // One attempt for each would take many times as long as a call may.
    let client = builder([address])
        .connect_timeout(connect_timeout)
        .request_timeout(connect_timeout * 5)
        .retry(RetryPolicy::NONE)
        .connect_lazy()
        .unwrap();
    let calls = (0..50).map(|_| async { client.set("k", "v").await.unwrap_err() });
    for error in futures_util::future::join_all(calls).await {
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("no connection within 400ms"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_status_counts_as_lost() {
    // As above with `:status: 200`.
    let cut = http2(b"\0\0\x01\x01\x05\0\0\0\x01\x88");
    let address = answering(cut).await;
    let check = async |name, expected: ErrorKind| {
        let error = send(&client([address]), name).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{name}: {error}");
    };
    check("get", ErrorKind::Unreachable).await;
    check("set", ErrorKind::Unknown).await;
}

#[tokio::test]
async fn the_deadline_holds_over_all_attempts() {
    let call = async |name: &'static str| {
        let fake = Fake::start().await;
        let timeout = Duration::from_millis(500);
        let client = builder([fake.address]).request_timeout(timeout).connect_lazy().unwrap();
        fake.then(Step::Hang);
        let error = send(&client, name).await.unwrap_err();
        let expected =
            if READS.contains(&name) { ErrorKind::Unreachable } else { ErrorKind::Unknown };
        assert_eq!(error.kind(), expected, "{name}: {error}");
        assert!(error.to_string().contains("500ms"), "{name}: {error}");
        assert_eq!(fake.calls(), [name]);
    };
    futures_util::future::join_all(READS.into_iter().chain(WRITES).map(call)).await;
}

#[tokio::test]
async fn messages_over_the_limit_are_refused_in_both_directions() {
    let fake = Fake::start().await;
    let client = builder([fake.address]).message_bytes_max(1000).connect_lazy().unwrap();
    let check = |outcome: Result<(), Error>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::MessageTooLong), "{error}");
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert!(error.to_string().contains("1000 bytes"), "{error}");
    };
    // Besides the value a message holds tags and lengths, and the version or the key.
    *fake.script.value_bytes.lock().unwrap() = 995;
    client.get("k").await.unwrap();
    *fake.script.value_bytes.lock().unwrap() = 996;
    check(client.get("k").await.map(drop));
    client.set("k", vec![0; 994]).await.unwrap();
    check(client.set("k", vec![0; 995]).await.map(drop));
}

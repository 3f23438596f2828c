//! Scans go on where they broke.

use futures_util::StreamExt;
use kv_client::{Client, Cursor, ErrorKind, Reason};
use kv_proto::v1 as wire;
use tonic::{Code, Status};

use crate::fake::{Fake, client, closed_address, refusal};

#[expect(clippy::unnecessary_wraps, reason = "stands beside `broken` in the same list")]
fn page(keys: &[&str], cursor: &str) -> Result<wire::ScanResponse, Status> {
    let entry = |key: &&str| wire::ScanEntry {
        key: (*key).to_owned().into(),
        version: 1,
        ..Default::default()
    };
    let entries = keys.iter().map(entry).collect();
    Ok(wire::ScanResponse { entries, cursor: cursor.to_owned().into() })
}

fn broken() -> Result<wire::ScanResponse, Status> {
    Err(Status::unavailable("going away"))
}

/// Lets each element be the answer to one scan request.
fn serve(fake: &Fake, scans: impl IntoIterator<Item = Vec<Result<wire::ScanResponse, Status>>>) {
    fake.script.scans.lock().unwrap().extend(scans);
}

/// The cursors that the server was asked to resume at.
fn cursors(fake: &Fake) -> Vec<String> {
    let scanned = fake.script.scanned.lock().unwrap();
    scanned.iter().map(|scan| String::from_utf8(scan.cursor.to_vec()).unwrap()).collect()
}

/// The keys a scan returns, and the kind of the error it ends with.
async fn keys(client: &Client) -> (Vec<String>, Option<ErrorKind>) {
    let mut entries = client.scan("").entries();
    let (mut keys, mut error) = (Vec::new(), None);
    while let Some(entry) = entries.next().await {
        assert_eq!(error, None, "a scan goes on after an error");
        match entry {
            Ok(entry) => keys.push(String::from_utf8(entry.key.to_vec()).unwrap()),
            Err(failure) => error = Some(failure.kind()),
        }
    }
    (keys, error)
}

#[tokio::test]
async fn a_scan_ends_with_the_page_that_has_no_cursor() {
    let fake = Fake::start().await;
    serve(&fake, [vec![page(&["a"], "1"), page(&[], "2"), page(&["b", "c"], ""), broken()]]);
    assert_eq!(keys(&fake.client()).await, (vec!["a".into(), "b".into(), "c".into()], None));
    assert_eq!(cursors(&fake), [""]);
}

#[tokio::test]
async fn a_broken_scan_resumes_after_the_last_page() {
    let fake = Fake::start().await;
    // The fourth stream ends without an error, but before its end.
    let scans = [
        vec![broken()],
        vec![page(&["a"], "1"), broken()],
        vec![page(&["b"], "2"), page(&["c"], "3"), broken()],
        vec![],
        vec![page(&["d"], "")],
    ];
    serve(&fake, scans);
    let expected = ["a", "b", "c", "d"].map(String::from).to_vec();
    assert_eq!(keys(&fake.client()).await, (expected, None));
    assert_eq!(cursors(&fake), ["", "", "1", "3", "3"]);
}

#[tokio::test]
async fn a_scan_gives_up_after_as_many_failures_without_a_page_as_allowed() {
    let fake = Fake::start().await;
    serve(&fake, [vec![page(&["a"], "1"), broken()], vec![broken()], vec![broken()]]);
    assert_eq!(keys(&fake.client()).await, (vec!["a".into()], Some(ErrorKind::Retry)));
    assert_eq!(cursors(&fake), ["", "1", "1"]);
}

#[tokio::test]
async fn a_cursor_the_server_does_not_know_is_an_error_at_once() {
    let fake = Fake::start().await;
    let status = refusal(Code::InvalidArgument, "CURSOR_INVALID", "not this server's");
    serve(&fake, [vec![Err(status)]]);
    let scan = fake.client().scan("").cursor(Cursor::new("old"));
    let error = scan.page().await.unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::CursorInvalid));
    assert_eq!(cursors(&fake), ["old"]);
}

#[tokio::test]
async fn a_scan_starts_where_it_can_and_then_stays_with_that_server() {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let scans = || [vec![page(&["a"], "1"), broken()], vec![page(&["b"], "")]];
    let expected = (vec!["a".to_owned(), "b".to_owned()], None);
    serve(&first, scans());
    assert_eq!(keys(&client([first.address, second.address])).await, expected);
    serve(&second, scans());
    assert_eq!(keys(&client([closed_address(), second.address])).await, expected);
    for fake in [first, second] {
        assert_eq!(cursors(&fake), ["", "1"]);
    }
}

#[tokio::test]
async fn one_page_asks_for_one_page() {
    let fake = Fake::start().await;
    serve(&fake, [vec![page(&["a"], "1")]]);
    let page = fake.client().scan("p").values().page_keys(5).page_bytes(6).page().await.unwrap();
    assert_eq!(page.cursor, Some(Cursor::new("1")));
    let asked = wire::ScanRequest {
        prefix: "p".into(),
        cursor: "".into(),
        page_keys: 5,
        page_bytes: 6,
        values: true,
        pages: 1,
    };
    assert_eq!(*fake.script.scanned.lock().unwrap(), [asked]);
}

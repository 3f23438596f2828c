//! A scan returns everything that is there, in pages as asked, and can be resumed.

use std::collections::BTreeMap;

use bytes::Bytes;
use kv_proto::v1::{ScanRequest, ScanResponse};
use kv_server::testing::TestServer;

use crate::support::{Kv, bytes, connect, set, start_with, within};

const KEYS: usize = 3000;

async fn start() -> (TestServer, Kv) {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for number in 0..KEYS {
        let (key, value) = (format!("k{number:04}"), format!("value {number}"));
        kv.set(set(key, value)).await.expect("an answer");
    }
    (server, kv)
}

async fn pages(kv: &mut Kv, request: ScanRequest) -> Vec<ScanResponse> {
    let mut stream = kv.scan(request).await.expect("a stream").into_inner();
    let mut pages = Vec::new();
    while let Some(page) = within(stream.message()).await.expect("a page") {
        pages.push(page);
    }
    pages
}

fn entries(pages: &[ScanResponse]) -> BTreeMap<Bytes, Option<Bytes>> {
    let entries = pages.iter().flat_map(|page| &page.entries);
    entries.map(|entry| (entry.key.clone(), entry.value.clone())).collect()
}

#[tokio::test]
async fn everything_is_returned_with_values_or_without() {
    let (_server, mut kv) = start().await;
    for values in [false, true] {
        let pages = pages(&mut kv, ScanRequest { values, ..Default::default() }).await;
        let (last, others) = pages.split_last().unwrap();
        assert!(last.cursor.is_empty() && others.iter().all(|page| !page.cursor.is_empty()));
        let entries = entries(&pages);
        assert_eq!(entries.len(), KEYS);
        let wanted = values.then(|| bytes("value 7"));
        assert_eq!(entries[&bytes("k0007")], wanted);
    }
}

#[tokio::test]
async fn a_prefix_selects() {
    let (_server, mut kv) = start().await;
    for (prefix, wanted) in [("k000", 10), ("k00", 100), ("k0007", 1), ("x", 0)] {
        let request = ScanRequest { prefix: bytes(prefix), ..Default::default() };
        let entries = entries(&pages(&mut kv, request).await);
        assert_eq!(entries.len(), wanted, "{prefix}");
        assert!(entries.keys().all(|key| key.starts_with(prefix.as_bytes())));
    }
}

#[tokio::test]
async fn pages_are_no_longer_than_asked_and_than_allowed() {
    let server = start_with(&[("limits.scan_page_keys_max", "50")]);
    let mut kv = connect(&server).await;
    for number in 0..500 {
        kv.set(set(format!("k{number}"), vec![b'v'; 1000])).await.unwrap();
    }
    let longest = |pages: Vec<ScanResponse>| {
        assert_eq!(entries(&pages).len(), 500);
        pages.into_iter().map(|page| page.entries.len()).max().unwrap()
    };
    for (page_keys, most) in [(0, 50), (7, 7), (1000, 50), (u32::MAX, 50)] {
        let pages = pages(&mut kv, ScanRequest { page_keys, ..Default::default() }).await;
        assert!(longest(pages) <= most, "{page_keys} keys asked for");
    }
    // A page ends with the entry that reaches the limit: 4 of 1000 bytes reach 3500.
    let request = ScanRequest { page_bytes: 3500, values: true, ..Default::default() };
    assert_eq!(longest(pages(&mut kv, request).await), 4);
}

#[tokio::test]
async fn a_scan_can_stop_after_a_number_of_pages_and_be_resumed() {
    let (_server, mut kv) = start().await;
    let mut all = Vec::new();
    let mut cursor = Bytes::new();
    loop {
        let request = ScanRequest { cursor, page_keys: 100, pages: 2, ..Default::default() };
        let pages = pages(&mut kv, request).await;
        assert!((1..=2).contains(&pages.len()));
        cursor = pages.last().unwrap().cursor.clone();
        all.extend(pages);
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(entries(&all).len(), KEYS);
}

//! A value that a program keeps takes memory in proportion to its length, judged by the allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use kv_client::Client;
use kv_server::testing::TestServer;

/// Counts live heap bytes.
struct CountingAllocator;

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

fn count(bytes: usize, sign: i64) {
    LIVE_BYTES.fetch_add(sign * i64::try_from(bytes).unwrap_or(0), Ordering::SeqCst);
}

#[expect(unsafe_code, reason = "an allocator can be watched in no other way")]
// SAFETY: every call is passed on to the system allocator as it came.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const VALUES: usize = 500;

/// For each value: what holds it, and what came with it.
const BEYOND_MAX: usize = 512;

#[tokio::test]
async fn a_value_keeps_no_buffer_that_is_much_longer() {
    let server = TestServer::start();
    let client = Client::builder().address(server.addr()).connect().await.expect("a client");
    client.set("short", vec![b'v'; 64]).await.expect("a set");
    client.set("long", vec![b'v'; 10_000]).await.expect("a set");
    for (key, len) in [("short", 64), ("long", 10_000)] {
        let mut kept = Vec::with_capacity(VALUES + 1);
        // Whatever the first one needs that the others do not.
        kept.push(client.get(key).await.expect("a get"));
        let before = LIVE_BYTES.load(Ordering::SeqCst);
        for _ in 0..VALUES {
            kept.push(client.get(key).await.expect("a get"));
        }
        let grown = LIVE_BYTES.load(Ordering::SeqCst) - before;
        let each = usize::try_from(grown).unwrap_or_default() / VALUES;
        // What is received in parts is put together in room that doubles.
        assert!((len..=len * 2 + BEYOND_MAX).contains(&each), "{each} bytes for one of {len}");
        assert!(kept.iter().all(Option::is_some));
    }
}

//! Memory that nobody uses any more goes back to the system: ADR-0008.

use std::fmt::Write as _;

use crate::support::resp::Resp;
use crate::support::{Process, until};

const KEYS: usize = 100_000;

/// Values whose blocks have sizes of their own, so that memory of one cannot serve the next.
const VALUE_BYTES: [usize; 3] = [900, 1400, 600];

async fn set_all(client: &mut Resp, value_bytes: usize) {
    const CHUNK: usize = 100;
    let value = "v".repeat(value_bytes);
    for first in (0..KEYS).step_by(CHUNK) {
        let mut sets = String::new();
        for key in first..first + CHUNK {
            let length = value_bytes;
            write!(sets, "*3\r\n$3\r\nSET\r\n$8\r\n{key:08}\r\n${length}\r\n{value}\r\n")
                .expect("a string takes it");
        }
        client.send(sets).await;
        client.expect("+OK\r\n".repeat(CHUNK)).await;
    }
}

/// A field of `INFO memory`, in bytes.
async fn memory(client: &mut Resp, field: &str) -> u64 {
    let text = client.text("INFO memory").await;
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|bytes| bytes.parse().ok()).expect(field)
}

#[tokio::test]
async fn what_was_replaced_or_flushed_does_not_stay_resident() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = Process::start(dir.path(), &["persist.enabled=false"]);
    let mut client = Resp::connect_to(server.addr_of("resp")).await;
    let fresh = memory(&mut client, "used_memory_rss").await;
    for value_bytes in VALUE_BYTES {
        set_all(&mut client, value_bytes).await;
    }
    // Without anything that gives memory back it stays for good, near the 140 MB of the largest values.
    let accounted = memory(&mut client, "used_memory").await;
    let bound = fresh + accounted + accounted / 5;
    until(async || memory(&mut client, "used_memory_rss").await <= bound).await;

    client.ask("FLUSHALL", "+OK\r\n").await;
    let bound = fresh + accounted / 10;
    until(async || memory(&mut client, "used_memory_rss").await <= bound).await;
}

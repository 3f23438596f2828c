//! A second signal ends a server at once that still has much to do.

use crate::support::Process;
use crate::support::resp::{Resp, request};

/// Values that a last snapshot takes a while to write: a hundred of 2 MiB.
const VALUES: usize = 100;
const VALUE_BYTES: usize = 2 << 20;

#[tokio::test]
async fn also_while_the_last_snapshot_is_taken() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = Process::start(dir.path(), &["persist.snapshot_on_shutdown=true"]);
    let mut client = Resp::connect_to(server.addr_of("resp")).await;
    let value: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(VALUE_BYTES).collect();
    for number in 0..VALUES {
        client.send(request(&[b"SET", format!("k{number}").as_bytes(), &value])).await;
        client.expect("+OK\r\n").await;
    }
    server.signal("TERM");
    // From here on the log ends and the snapshot is written.
    server.log("stopped connections_cut=0");
    server.signal("TERM");
    server.log("stopped at once by a second signal");
    assert_eq!(server.exit_code(), Some(1));
}

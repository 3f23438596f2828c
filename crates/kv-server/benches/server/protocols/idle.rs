//! What a connection costs that says nothing any more.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use kv_bench::{Compare, Measured, Target};

use crate::Bench;
use crate::child::directory;
use crate::ours::Ours;
use crate::report::{row, table};
use crate::time::{LIMIT, now, sleep_until};

/// What each connection says once, and how its answer begins. Buffers that were needed for it count.
const CASES: [(&str, &str, &str); 2] = [
    ("resp", "*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n", "$-1\r\n"),
    ("http", "GET /v1/kv/key:1 HTTP/1.1\r\nHost: kv\r\n\r\n", "HTTP/1.1 404 "),
];

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.idle_connections;
    let most = format!("limits.connections_max={}", 2 * count);
    println!("ours: kv-server --set {most}; {count} connections, each with one answered request\n");
    table(&["idle connections", "resident memory for each", "target"]);
    for (protocol, request, answer) in CASES {
        let dir = directory();
        let ours = Ours::start(dir.path(), &[&most]);
        let address = ours.address(protocol).to_owned();
        // What the first few make the server allocate once is not theirs.
        let warm: Vec<TcpStream> = (0..10).map(|_| connection(&address, request, answer)).collect();
        let before = ours.server.resident();
        let open: Vec<TcpStream> =
            (0..count).map(|_| connection(&address, request, answer)).collect();
        // What is given back when a connection has been idle for a moment counts.
        sleep_until(now() + bench.scale.round);
        let each = ours.server.resident().saturating_sub(before) / open.len() as u64;
        drop((warm, open));
        row(&[protocol, &format!("{each} B"), "≤ 8192 B"]);
        let row = Measured::lower("idle", protocol, "B", &(each as f64).into());
        bench.record(row.target(Some(Target::Value(8192.0))).compare(Compare::Value));
    }
}

fn connection(address: &str, request: &str, answer: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut begin = vec![0; answer.len()];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(String::from_utf8_lossy(&begin), answer);
    stream
}

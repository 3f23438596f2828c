//! Connections beyond the limit are closed at once, and their places are given again (KV-I8).

use kv_server::testing::TestServer;
use tempfile::tempdir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::support::{Process, connect, connect_to, set, start_with, within};

/// Whether the server closes a connection that says nothing.
async fn is_refused(server: &TestServer) -> bool {
    let mut stream = TcpStream::connect(server.socket_addr()).await.expect("a connection");
    matches!(within(stream.read(&mut [0])).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_the_others_are_served() {
    let server = start_with(&[("limits.connections_max", "2")]);
    let mut kv = connect(&server).await;
    kv.set(set("k", "v")).await.unwrap();
    let silent = TcpStream::connect(server.socket_addr()).await.unwrap();
    assert!(is_refused(&server).await, "the third connection");
    kv.set(set("k", "v")).await.expect("the first is served");
    drop(silent);
    within(async {
        // The server learns of the end in its own time.
        loop {
            let endpoint = tonic::transport::Endpoint::from_shared(server.addr()).unwrap();
            if let Ok(channel) = endpoint.connect().await {
                let mut kv = kv_proto::v1::kv_client::KvClient::new(channel);
                if kv.set(set("k", "v")).await.is_ok() {
                    return;
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_out_of_descriptors_goes_on_when_there_are_some_again() {
    let dir = tempdir().unwrap();
    let server = Process::start_with_descriptors(32, dir.path());
    let addr = server.addr().strip_prefix("http://").unwrap();
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(TcpStream::connect(addr).await.expect("the system takes it"));
    }
    let warning = server.log("cannot accept connections");
    assert!(warning.contains("WARN"), "{warning}");
    drop(open);
    let mut kv = within(connect_to(server.addr())).await;
    within(async {
        // The log may have been short of descriptors too, and looks for them now and then.
        while kv.set(set("k", "v")).await.is_err() {}
    })
    .await;
}

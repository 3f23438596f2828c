//! Bytes that are not what was agreed on end at most their own connection (KV-I7).

use kv_proto::v1::{GetResponse, SetResponse};
use kv_server::testing::TestServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::support::{channel, connect, unharmed, within};

/// Begins HTTP/2: the preface and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn connections_that_do_not_speak_http2_are_closed() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let longer_than_allowed = [HELLO, b"\xff\xff\xff\0\0\0\0\0\x01"].concat();
    let headers_of_no_call = [HELLO, b"\0\0\x05\x01\x05\0\0\0\x01\xff\xff\xff\xff\xff"].concat();
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: kv\r\n\r\n".as_slice(),
        b"*1\r\n$4\r\nPING\r\n",
        &[0xff; 10_000],
        &longer_than_allowed,
        &headers_of_no_call,
    ] {
        let mut stream = TcpStream::connect(server.socket_addr()).await.unwrap();
        // The server ends the connection; when it had not read everything, this end sees that as an error.
        if stream.write_all(bytes).await.is_ok() {
            drop(within(stream.read_to_end(&mut Vec::new())).await);
        }
    }
    unharmed(&server, &mut kv).await;
}

/// Sends a message of another type than the method `path` takes.
async fn mistyped(server: &TestServer, path: &'static str) -> Status {
    let mut client = tonic::client::Grpc::new(channel(&server.addr()).await);
    client.ready().await.expect("a connection");
    let codec: ProstCodec<SetResponse, GetResponse> = ProstCodec::default();
    let message = SetResponse { applied: true, version: 1, ..Default::default() };
    let call = client.unary(Request::new(message), PathAndQuery::from_static(path), codec);
    within(call).await.expect_err("a refusal")
}

#[tokio::test]
async fn messages_of_another_type_are_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let status = mistyped(&server, "/kv.v1.Kv/Get").await;
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("GetRequest.key"), "{status} does not name the field");
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn services_and_methods_that_do_not_exist_are_named() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let status = mistyped(&server, "/kv.v9.Kv/Get").await;
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
    assert!(status.message().contains("kv.v9.Kv"), "{status} does not name the service");
    let status = mistyped(&server, "/kv.v1.Kv/Steal").await;
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
    unharmed(&server, &mut kv).await;
}

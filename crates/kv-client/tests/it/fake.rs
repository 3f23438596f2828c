//! A gRPC server that does what its script says, and a socket that drops connections.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use kv_client::{Client, ClientBuilder, RetryPolicy};
use kv_proto::v1 as wire;
use kv_proto::v1::kv_server::{Kv, KvServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

/// What the server does with one request.
#[derive(Debug)]
pub(crate) enum Step {
    /// Ends it with this status.
    Fail(Status),
    /// Never answers.
    Hang,
}

/// How the server treats the batches of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PipelineManner {
    /// Answers each with one `set` answer per operation, whose version is the tag.
    #[default]
    Answer,
    /// Never answers.
    Hang,
    /// Answers the first and ends the stream.
    EndAfterFirst,
    /// Answers the first and fails the stream.
    FailAfterFirst,
    /// Gives back a tag that was not sent.
    WrongTag,
    /// Leaves an operation's answer out.
    MissingResult,
    /// Refuses each batch as not applied because of its last operation.
    NotApplied,
}

/// What the server is told to do, and what it saw.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Consumed one per unary request; when empty, requests succeed.
    pub(crate) steps: Mutex<VecDeque<Step>>,
    /// Connections seen.
    pub(crate) connections: Mutex<usize>,
    /// Unary requests seen, by name.
    pub(crate) calls: Mutex<Vec<&'static str>>,
    /// What each scan request gets.
    pub(crate) scans: Mutex<VecDeque<Vec<Result<wire::ScanResponse, Status>>>>,
    /// Scan requests seen.
    pub(crate) scanned: Mutex<Vec<wire::ScanRequest>>,
    pub(crate) pipeline: Mutex<PipelineManner>,
    /// Bytes of the value that `get` finds.
    pub(crate) value_bytes: Mutex<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Fake {
    pub(crate) script: Arc<Script>,
    pub(crate) address: SocketAddr,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake =
            Self { script: Arc::new(Script::default()), address: listener.local_addr().unwrap() };
        let service = KvServer::new(fake.clone());
        let serve = tonic::transport::Server::builder().add_service(service);
        let script = Arc::clone(&fake.script);
        let incoming = TcpListenerStream::new(listener)
            .inspect(move |_| *script.connections.lock().unwrap() += 1);
        tokio::spawn(serve.serve_with_incoming(incoming));
        fake
    }

    pub(crate) fn then(&self, step: Step) -> &Self {
        self.script.steps.lock().unwrap().push_back(step);
        self
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.script.calls.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.script.connections.lock().unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        client([self.address])
    }

    async fn unary(&self, name: &'static str) -> Result<(), Status> {
        self.script.calls.lock().unwrap().push(name);
        let step = self.script.steps.lock().unwrap().pop_front();
        match step {
            None => Ok(()),
            Some(Step::Fail(status)) => Err(status),
            Some(Step::Hang) => std::future::pending().await,
        }
    }
}

/// A client that gives up soon.
pub(crate) fn client(addresses: impl IntoIterator<Item = SocketAddr>) -> Client {
    builder(addresses).connect_lazy().unwrap()
}

pub(crate) fn builder(addresses: impl IntoIterator<Item = SocketAddr>) -> ClientBuilder {
    let (backoff_min, backoff_max) = (Duration::from_millis(1), Duration::from_millis(5));
    Client::builder()
        .addresses(addresses.into_iter().map(|address| address.to_string()))
        .request_timeout(Duration::from_secs(10))
        .retry(RetryPolicy { attempts_max: 3, backoff_min, backoff_max })
}

/// An address where nothing listens, nor will: it is taken until the process ends.
pub(crate) fn closed_address() -> SocketAddr {
    static TAKEN: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    TAKEN.lock().unwrap().push(socket);
    address
}

/// An address in front of `behind` that closes the first connections as soon as there is a request,
/// and passes the rest on.
pub(crate) async fn dropping(connections: usize, behind: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for nth in 0.. {
            let (mut near, _) = listener.accept().await.unwrap();
            if nth < connections {
                read_request(&mut near).await;
                continue;
            }
            tokio::spawn(async move {
                let mut far = TcpStream::connect(behind).await.unwrap();
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    address
}

/// An address in front of `behind` that ends the first connection when it is told to, and then tells when the client
/// has closed it too; others are passed on for good.
pub(crate) struct Cutting {
    pub(crate) address: SocketAddr,
    cut: oneshot::Sender<()>,
    closed: oneshot::Receiver<()>,
}

impl Cutting {
    pub(crate) async fn start(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ((cut, told), (tell, closed)) = (oneshot::channel(), oneshot::channel());
        tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(behind).await.unwrap();
            tokio::select! {
                _ended = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _told = told => {}
            }
            near.shutdown().await.unwrap();
            tokio::io::copy(&mut near, &mut tokio::io::sink()).await.unwrap();
            tell.send(()).unwrap();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut far = TcpStream::connect(behind).await.unwrap();
                tokio::io::copy_bidirectional(&mut near, &mut far).await.unwrap();
            }
        });
        Self { address, cut, closed }
    }

    /// Ends the first connection, and waits until the client knows.
    pub(crate) async fn cut(self) {
        self.cut.send(()).unwrap();
        self.closed.await.unwrap();
    }
}

/// An address to which no connection is opened, and none refused: nobody takes those that wait.
pub(crate) async fn silent_address() -> SocketAddr {
    static TAKEN: Mutex<Vec<(TcpListener, Vec<TcpStream>)>> = Mutex::new(Vec::new());
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    TAKEN.lock().unwrap().push((listener, waiting));
    address
}

/// Reads the beginning of an HTTP/2 connection up to the head of the first request.
async fn read_request(near: &mut TcpStream) {
    const HEADERS: u8 = 1;
    let mut preface = [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()];
    near.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        near.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        near.read_exact(&mut payload).await.unwrap();
        if kind == HEADERS {
            return;
        }
    }
}

/// An address where every connection is answered with these bytes, once there is a request, and closed.
pub(crate) async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            read_request(&mut near).await;
            near.write_all(bytes).await.unwrap();
            // What was sent is read to its end, or closing would cut the answer off.
            drop(near.shutdown().await);
            drop(tokio::io::copy(&mut near, &mut tokio::io::sink()).await);
        }
    });
    address
}

/// A refusal as the server sends it.
pub(crate) fn refusal(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "kv", HashMap::new());
    Status::with_error_details(code, message, details)
}

fn set_answer(version: u64) -> wire::OpResult {
    let set = wire::SetResponse { applied: true, version, ..Default::default() };
    wire::OpResult { result: Some(wire::op_result::Result::Set(set)) }
}

/// The answer to one batch.
fn answer(request: &wire::PipelineRequest, manner: PipelineManner) -> wire::PipelineResponse {
    let ops = request.batch.as_ref().unwrap().ops.len();
    let mut results = vec![set_answer(request.tag); ops];
    if manner == PipelineManner::MissingResult {
        results.pop();
    }
    let mut batch =
        wire::BatchWriteResponse { applied: true, results: results.into(), ..Default::default() };
    let mut tag = request.tag;
    match manner {
        PipelineManner::WrongTag => tag += 1,
        PipelineManner::NotApplied => {
            let unmet = wire::SetResponse { version: 77, ..Default::default() };
            batch = wire::BatchWriteResponse {
                failed_index: u32::try_from(ops - 1).unwrap(),
                failed_result: Some(wire::OpResult {
                    result: Some(wire::op_result::Result::Set(unmet)),
                }),
                ..Default::default()
            };
        }
        _ => {}
    }
    wire::PipelineResponse { batch: Some(batch), tag }
}

type Answers<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl Kv for Fake {
    async fn get(
        &self,
        _: Request<wire::GetRequest>,
    ) -> Result<Response<wire::GetResponse>, Status> {
        self.unary("get").await?;
        let value = vec![b'v'; *self.script.value_bytes.lock().unwrap()];
        Ok(Response::new(wire::GetResponse {
            value: Some(value.into()),
            version: 1,
            ..Default::default()
        }))
    }

    async fn set(
        &self,
        _: Request<wire::SetRequest>,
    ) -> Result<Response<wire::SetResponse>, Status> {
        self.unary("set").await?;
        Ok(Response::new(wire::SetResponse { applied: true, version: 1, ..Default::default() }))
    }

    async fn delete(
        &self,
        _: Request<wire::DeleteRequest>,
    ) -> Result<Response<wire::DeleteResponse>, Status> {
        self.unary("delete").await?;
        Ok(Response::new(wire::DeleteResponse::default()))
    }

    async fn exists(
        &self,
        _: Request<wire::ExistsRequest>,
    ) -> Result<Response<wire::ExistsResponse>, Status> {
        self.unary("exists").await?;
        Ok(Response::new(wire::ExistsResponse::default()))
    }

    async fn increment(
        &self,
        _: Request<wire::IncrementRequest>,
    ) -> Result<Response<wire::IncrementResponse>, Status> {
        self.unary("increment").await?;
        Ok(Response::new(wire::IncrementResponse::default()))
    }

    async fn append(
        &self,
        _: Request<wire::AppendRequest>,
    ) -> Result<Response<wire::AppendResponse>, Status> {
        self.unary("append").await?;
        Ok(Response::new(wire::AppendResponse::default()))
    }

    async fn expire(
        &self,
        _: Request<wire::ExpireRequest>,
    ) -> Result<Response<wire::ExpireResponse>, Status> {
        self.unary("expire").await?;
        Ok(Response::new(wire::ExpireResponse::default()))
    }

    async fn persist(
        &self,
        _: Request<wire::PersistRequest>,
    ) -> Result<Response<wire::ExpireResponse>, Status> {
        self.unary("persist").await?;
        Ok(Response::new(wire::ExpireResponse::default()))
    }

    async fn batch_get(
        &self,
        request: Request<wire::BatchGetRequest>,
    ) -> Result<Response<wire::BatchGetResponse>, Status> {
        self.unary("batch_get").await?;
        let results = vec![wire::GetResponse::default(); request.get_ref().keys.len()];
        Ok(Response::new(wire::BatchGetResponse { results }))
    }

    async fn batch_write(
        &self,
        _: Request<wire::BatchWriteRequest>,
    ) -> Result<Response<wire::BatchWriteResponse>, Status> {
        self.unary("batch_write").await?;
        Ok(Response::new(wire::BatchWriteResponse { applied: true, ..Default::default() }))
    }

    type PipelineStream = Answers<wire::PipelineResponse>;

    async fn pipeline(
        &self,
        request: Request<Streaming<wire::PipelineRequest>>,
    ) -> Result<Response<Self::PipelineStream>, Status> {
        let manner = *self.script.pipeline.lock().unwrap();
        let answers = request.into_inner().map(move |request| Ok(answer(&request?, manner)));
        let failure = stream::iter([Err(Status::unavailable("going away"))]);
        Ok(Response::new(match manner {
            PipelineManner::Hang => stream::pending().boxed(),
            PipelineManner::EndAfterFirst => answers.take(1).boxed(),
            PipelineManner::FailAfterFirst => answers.take(1).chain(failure).boxed(),
            _ => answers.boxed(),
        }))
    }

    type ScanStream = Answers<wire::ScanResponse>;

    async fn scan(
        &self,
        request: Request<wire::ScanRequest>,
    ) -> Result<Response<Self::ScanStream>, Status> {
        self.script.scanned.lock().unwrap().push(request.into_inner());
        let pages = self.script.scans.lock().unwrap().pop_front().unwrap_or_default();
        Ok(Response::new(stream::iter(pages).boxed()))
    }
}

//! The service `kv.v1.Kv`: each call translates, executes and answers on the connection's own task.
//!
//! No call spawns: the store answers from memory, faster than a task switch. A call waits only for the log,
//! when its answer rests on a write that has not reached the level promised.
//!
//! The operation is executed before the first wait, so that calls of one connection are executed in the
//! order they came.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use kv_proto::v1::kv_server::Kv;
use kv_proto::v1::{
    AppendRequest, AppendResponse, BatchGetRequest, BatchGetResponse, BatchWriteRequest,
    BatchWriteResponse, DeleteRequest, DeleteResponse, ExistsRequest, ExistsResponse,
    ExpireRequest, ExpireResponse, GetRequest, GetResponse, IncrementRequest, IncrementResponse,
    PersistRequest, PipelineRequest, PipelineResponse, ScanRequest, ScanResponse, SetRequest,
    SetResponse,
};
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{pipeline, scan};
use crate::contract::{Shared, batch, convert};
use crate::shutdown::Drain;
use crate::slow::Caller;

/// `kv.v1.Kv` over a store.
pub(crate) struct KvService {
    shared: Arc<Shared>,
    drain: Drain,
}

impl KvService {
    /// Serves the store until the server drains.
    pub(crate) fn new(shared: Arc<Shared>, drain: Drain) -> Self {
        Self { shared, drain }
    }
}

/// A stream of answers.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The result of a call with one answer.
type Answer<T> = Result<Response<T>, Status>;

/// Whose call it is.
fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    let caller = request.extensions().get::<Arc<Caller>>();
    caller.cloned().ok_or_else(|| Status::internal("the connection of the call is not known"))
}

#[async_trait]
impl Kv for KvService {
    async fn get(&self, request: Request<GetRequest>) -> Answer<GetResponse> {
        let reply = self.shared.read(&convert::get(request.get_ref())?).await?;
        Ok(Response::new(convert::get_response(reply)))
    }

    async fn set(&self, request: Request<SetRequest>) -> Answer<SetResponse> {
        let request = request.get_ref();
        let op = convert::set(request.into(), self.shared.message_bytes_max)?;
        let (reply, achieved) = self.shared.write(&op, request.durability).await?;
        Ok(Response::new(convert::set_response(reply, achieved)))
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Answer<DeleteResponse> {
        let request = request.get_ref();
        let op = convert::delete(request)?;
        let (reply, achieved) = self.shared.write(&op, request.durability).await?;
        Ok(Response::new(convert::delete_response(reply, achieved)))
    }

    async fn exists(&self, request: Request<ExistsRequest>) -> Answer<ExistsResponse> {
        let reply = self.shared.read(&convert::exists(request.get_ref())?).await?;
        Ok(Response::new(convert::exists_response(&reply)))
    }

    async fn increment(&self, request: Request<IncrementRequest>) -> Answer<IncrementResponse> {
        let request = request.get_ref();
        let op = convert::increment(request)?;
        let (reply, achieved) = self.shared.write(&op, request.durability).await?;
        Ok(Response::new(convert::increment_response(&reply, achieved)))
    }

    async fn append(&self, request: Request<AppendRequest>) -> Answer<AppendResponse> {
        let request = request.get_ref();
        let op = convert::append(request)?;
        let (reply, achieved) = self.shared.write(&op, request.durability).await?;
        Ok(Response::new(convert::append_response(&reply, achieved)))
    }

    async fn expire(&self, request: Request<ExpireRequest>) -> Answer<ExpireResponse> {
        let request = request.get_ref();
        let op = convert::expire(request)?;
        let (reply, achieved) = self.shared.write(&op, request.durability).await?;
        Ok(Response::new(convert::expire_response(&reply, achieved)))
    }

    async fn persist(&self, request: Request<PersistRequest>) -> Answer<ExpireResponse> {
        let request = request.get_ref();
        let op = convert::persist(request)?;
        let (reply, achieved) = self.shared.write(&op, request.durability).await?;
        Ok(Response::new(convert::expire_response(&reply, achieved)))
    }

    async fn batch_get(&self, request: Request<BatchGetRequest>) -> Answer<BatchGetResponse> {
        Ok(Response::new(batch::get(&self.shared, request.get_ref()).await?))
    }

    async fn batch_write(&self, request: Request<BatchWriteRequest>) -> Answer<BatchWriteResponse> {
        let executed = batch::write(&self.shared, request.get_ref())?;
        Ok(Response::new(executed.settle(&self.shared).await?))
    }

    type PipelineStream = Answers<PipelineResponse>;

    async fn pipeline(
        &self,
        request: Request<Streaming<PipelineRequest>>,
    ) -> Answer<Self::PipelineStream> {
        let (shared, drain) = (Arc::clone(&self.shared), self.drain.clone());
        let caller = caller(&request)?;
        let answers = pipeline::answers((shared, caller), request.into_inner(), drain);
        Ok(Response::new(Box::pin(answers)))
    }

    type ScanStream = Answers<ScanResponse>;

    async fn scan(&self, request: Request<ScanRequest>) -> Answer<Self::ScanStream> {
        let (shared, caller) = (Arc::clone(&self.shared), caller(&request)?);
        let pages = scan::pages((shared, caller), request.into_inner())?;
        Ok(Response::new(Box::pin(pages)))
    }
}

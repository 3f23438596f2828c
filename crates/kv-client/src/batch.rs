//! Many operations in one request.

use std::time::Duration;

use kv_proto::batch::{APART_BYTES_MIN, Ops, SetRef};
use kv_proto::v1 as wire;

use crate::op::{Append, Delete, Detached, Exists, Expire, Increment, Op, Set};
use crate::pool::Target;
use crate::status::Effect;
use crate::{
    Appended, Client, Deleted, Durability, Entry, Error, Expired, Incremented, IntoBytes, Meta,
    Written, convert,
};

/// Operations to execute together: in one request, and if [`atomic`](Batch::atomic) as one write.
///
/// [`Client::batch`] makes one that can be sent; [`Batch::new`] makes one for a pipeline.
#[derive(Debug, Clone, Default)]
#[must_use = "a batch does nothing until it is sent"]
pub struct Batch<T = Detached> {
    wire: wire::BatchWriteRequest,
    /// Which operations are deletes that must find their key, ascending. Nearly always none.
    conditional_deletes: Vec<usize>,
    payload_bytes: usize,
    target: T,
}

/// The answer to one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Answers `get`.
    Get(Option<Entry>),
    /// Answers `set`.
    Set(Written),
    /// Answers `delete`.
    Delete(Option<Deleted>),
    /// Answers `exists`.
    Exists(Option<Meta>),
    /// Answers `increment`.
    Increment(Incremented),
    /// Answers `append`.
    Append(Appended),
    /// Answers `expire` and `persist`.
    Expire(Expired),
}

/// The answer to a batch.
#[derive(Debug)]
pub struct BatchReply {
    /// One answer per operation, in order. An operation of a batch that is not atomic can fail alone,
    /// with the error it would have failed with had it been sent alone.
    pub results: Vec<Result<Reply, Error>>,
    /// The durability level the writes have reached; `None` when nothing was written.
    pub achieved: Option<Durability>,
}

/// What the client must remember of a batch to understand its answer.
#[derive(Debug)]
pub(crate) struct Expected {
    ops: usize,
    conditional_deletes: Vec<usize>,
}

impl Batch {
    /// An empty batch that belongs to no client yet, for a [`Pipeline`](crate::Pipeline).
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with room for so many operations.
    pub fn with_capacity(operations: usize) -> Self {
        let ops = Ops::with_capacity(operations);
        Self { wire: wire::BatchWriteRequest { ops, ..Default::default() }, ..Self::default() }
    }
}

impl<T> Batch<T> {
    /// Adds an operation with options, for example `Set::new("k", "v").if_absent()`.
    pub fn push(&mut self, operation: impl Into<Op>) -> &mut Self {
        let operation = operation.into();
        if operation.is_conditional_delete() {
            self.conditional_deletes.push(self.wire.ops.len());
        }
        self.payload_bytes += operation.payload_bytes();
        self.wire.ops.push(wire::Op { op: Some(operation.0) });
        self
    }

    /// Adds an operation with options, for example `Set::new("k", "v").if_absent()`.
    pub fn with(mut self, operation: impl Into<Op>) -> Self {
        self.push(operation);
        self
    }

    /// Adds a read of `key`.
    #[expect(clippy::needless_pass_by_value, reason = "a key is given as to all other operations")]
    pub fn get(mut self, key: impl IntoBytes) -> Self {
        let key = key.as_slice();
        self.payload_bytes += key.len();
        self.wire.ops.push_get(key);
        self
    }

    /// Adds a write of `value` to `key`.
    pub fn set(mut self, key: impl IntoBytes, value: impl IntoBytes) -> Self {
        // A long value is not copied.
        if value.as_slice().len() >= APART_BYTES_MIN {
            return self.with(Set::new(key, value));
        }
        let (key, value) = (key.as_slice(), value.as_slice());
        self.payload_bytes += key.len() + value.len();
        self.wire.ops.push_set(&SetRef { key, value, ..SetRef::default() });
        self
    }

    /// Adds a removal of `key`.
    pub fn delete(self, key: impl IntoBytes) -> Self {
        self.with(Delete::new(key))
    }

    /// Adds a question whether `key` exists.
    pub fn exists(self, key: impl IntoBytes) -> Self {
        self.with(Exists::new(key))
    }

    /// Adds an addition of `delta` to the number `key` holds.
    pub fn increment(self, key: impl IntoBytes, delta: i64) -> Self {
        self.with(Increment::new(key, delta))
    }

    /// Adds an addition of bytes to the value of `key`.
    pub fn append(self, key: impl IntoBytes, suffix: impl IntoBytes) -> Self {
        self.with(Append::new(key, suffix))
    }

    /// Lets `key` end this long from now.
    pub fn expire(self, key: impl IntoBytes, ttl: Duration) -> Self {
        self.with(Expire::after(key, ttl))
    }

    /// Lets `key` live until it is deleted.
    pub fn persist(self, key: impl IntoBytes) -> Self {
        self.with(Expire::never(key))
    }

    /// All operations are applied as one write that no reader sees half of, or none is.
    pub fn atomic(mut self) -> Self {
        self.wire.atomic = true;
        self
    }

    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.wire.ops.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.wire.ops.is_empty()
    }

    /// Bytes of keys and values in all operations.
    pub fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// The request, and what to remember for its answer.
    pub(crate) fn into_parts(self) -> (wire::BatchWriteRequest, Expected) {
        let expected =
            Expected { ops: self.wire.ops.len(), conditional_deletes: self.conditional_deletes };
        (self.wire, expected)
    }
}

impl Batch<Client> {
    /// Sends the batch.
    ///
    /// # Errors
    /// [`Error::BatchNotApplied`] when an atomic batch was not applied; else the batch as a whole is
    /// refused, or no server answers.
    pub async fn send(self) -> Result<BatchReply, Error> {
        let client = self.target.clone();
        let (mut request, expected) = self.into_parts();
        // For each attempt it is cloned.
        request.ops.freeze();
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.batch_write(request).await }
        };
        let reply = client.call(Effect::Write, request, send).await?;
        expected.read(reply)
    }
}

impl IntoFuture for Batch<Client> {
    type Output = Result<BatchReply, Error>;
    type IntoFuture = futures_util::future::BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Expected {
    /// Reads the answer to the batch.
    pub(crate) fn read(&self, reply: wire::BatchWriteResponse) -> Result<BatchReply, Error> {
        if !reply.applied {
            return Err(Self::not_applied(reply));
        }
        if reply.results.len() != self.ops {
            let message = format!(
                "the server sent {} answers to a batch of {} operations",
                reply.results.len(),
                self.ops
            );
            return Err(Error::Internal { message });
        }
        let mut results = Vec::with_capacity(self.ops);
        for (index, result) in reply.results.each().enumerate() {
            let result = result.map_err(|error| Error::Internal {
                message: format!("the server sent an answer that cannot be read: {error}"),
            })?;
            results.push(self.applied_result(index, result));
        }
        Ok(BatchReply { results, achieved: convert::achieved(reply.achieved) })
    }

    fn applied_result(&self, index: usize, result: wire::OpResult) -> Result<Reply, Error> {
        convert::op_result(result, self.conditional_deletes.binary_search(&index).is_ok())
    }

    fn not_applied(reply: wire::BatchWriteResponse) -> Error {
        let index = usize::try_from(reply.failed_index).unwrap_or(usize::MAX);
        let Some(result) = reply.failed_result else {
            let message = "the server did not apply a batch and did not say why".to_owned();
            return Error::Internal { message };
        };
        // A delete that stood in the way did so by its condition.
        let source = match convert::op_result(result, true) {
            Err(error) => error,
            // An answer that is no error by itself: here it is the condition that did not hold.
            Ok(Reply::Expire(Expired { current, .. })) => {
                Error::ConditionFailed { current, previous: None }
            }
            Ok(_) => Error::ConditionFailed { current: None, previous: None },
        };
        Error::BatchNotApplied { index, source: Box::new(source) }
    }
}

impl Client {
    /// Starts a batch of operations.
    pub fn batch(&self) -> Batch<Self> {
        Batch {
            wire: wire::BatchWriteRequest::default(),
            conditional_deletes: Vec::new(),
            payload_bytes: 0,
            target: self.clone(),
        }
    }

    /// Reads many keys; one answer per key, in the order asked.
    ///
    /// # Errors
    /// A key is empty or too long, there are too many, or no server answers.
    pub async fn batch_get<K: IntoBytes>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Entry>>, Error> {
        let keys: Vec<_> = keys.into_iter().map(IntoBytes::into_bytes).collect();
        let count = keys.len();
        let wire = wire::BatchGetRequest { keys };
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.batch_get(request).await }
        };
        let reply = self.call(Effect::Read, wire, send).await?;
        if reply.results.len() != count {
            let message =
                format!("the server sent {} answers for {count} keys", reply.results.len());
            return Err(Error::Internal { message });
        }
        Ok(reply.results.into_iter().map(convert::entry).collect())
    }
}

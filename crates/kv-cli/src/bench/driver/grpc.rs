//! gRPC, with the client library: calls of their own, or batches on a stream.

use std::borrow::Cow;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kv_client::op::Set;
use kv_client::{Batch, Client, Error, ErrorKind, Pipeline, Reply, RetryPolicy};

use super::{Broken, Told};
use crate::bench::keys;
use crate::bench::load::{Kind, Operation, Payload};
use crate::bench::plan::Plan;
use crate::bench::tally::Answer;

/// A client with one connection, which sends each call once: what fails is to be seen.
async fn client(plan: &Plan) -> Result<Client, String> {
    Client::builder()
        .address(format!("http://{}", plan.target))
        .connect_timeout(plan.timeout)
        .request_timeout(plan.timeout)
        .retry(RetryPolicy::NONE)
        .connect()
        .await
        .map_err(|error| error.to_string())
}

/// A connection with a call for each operation.
pub(in crate::bench) struct Unary {
    client: Client,
    payload: Payload,
}

impl Unary {
    pub(super) async fn open(plan: &Plan, payload: Payload) -> Result<Self, String> {
        let client = client(plan).await?;
        client.ping().await.map_err(|error| error.to_string())?;
        Ok(Self { client, payload })
    }

    pub(super) async fn turn(
        &mut self,
        operations: &[Operation],
        told: &mut impl Told,
    ) -> Result<(), Broken> {
        if let [operation] = operations {
            told(0, self.call(*operation).await?);
            return Ok(());
        }
        let call =
            async |(place, operation): (usize, &Operation)| (place, self.call(*operation).await);
        let mut calls: FuturesUnordered<_> = operations.iter().enumerate().map(call).collect();
        while let Some((place, answer)) = calls.next().await {
            told(place, answer?);
        }
        Ok(())
    }

    async fn call(&self, operation: Operation) -> Result<Answer, Broken> {
        let key = keys::name(operation.key);
        let done = match operation.kind {
            Kind::Read => match self.client.get(key).await {
                Ok(None) => return Ok(Answer::Missed),
                found => found.map(drop),
            },
            Kind::Delete => self.client.delete(key).await.map(drop),
            Kind::Write => {
                let set = self.client.set(key, &self.payload.value);
                match self.payload.ttl {
                    Some(ttl) => set.ttl(ttl).await.map(drop),
                    None => set.await.map(drop),
                }
            }
        };
        match done {
            Ok(()) => Ok(Answer::Done),
            Err(error) if error.kind() == ErrorKind::Unreachable => Err(Broken::new(kind(&error))),
            Err(error) => Ok(Answer::Failed(kind(&error))),
        }
    }
}

/// A connection with a stream, where each turn is a batch.
pub(in crate::bench) struct Stream {
    pipeline: Pipeline,
    payload: Payload,
}

impl Stream {
    pub(super) async fn open(plan: &Plan, payload: Payload) -> Result<Self, String> {
        let opening = client(plan).await?.pipeline().in_flight_max(1).open().await;
        let pipeline = opening.map_err(|error| error.to_string())?;
        Ok(Self { pipeline, payload })
    }

    pub(super) async fn turn(
        &mut self,
        operations: &[Operation],
        told: &mut impl Told,
    ) -> Result<(), Broken> {
        let broken = |error: Error| Broken::new(kind(&error));
        self.pipeline.send(self.batch(operations)).await.map_err(broken)?;
        let received = self.pipeline.recv().await;
        let answer = received.ok_or_else(|| Broken::new("the stream has ended"))?;
        for (place, result) in answer.map_err(broken)?.results.into_iter().enumerate() {
            told(place, answer_of(result));
        }
        Ok(())
    }

    fn batch(&self, operations: &[Operation]) -> Batch {
        let mut batch = Batch::with_capacity(operations.len());
        for operation in operations {
            let key = keys::name(operation.key);
            batch = match (operation.kind, self.payload.ttl) {
                (Kind::Read, _) => batch.get(key),
                (Kind::Delete, _) => batch.delete(key),
                (Kind::Write, None) => batch.set(key, &self.payload.value),
                (Kind::Write, Some(ttl)) => batch.with(Set::new(key, &self.payload.value).ttl(ttl)),
            };
        }
        batch
    }
}

fn answer_of(result: Result<Reply, Error>) -> Answer {
    match result {
        Ok(Reply::Get(None)) => Answer::Missed,
        Ok(_) => Answer::Done,
        Err(error) => Answer::Failed(kind(&error)),
    }
}

/// The server's reason where it gave one.
fn kind(error: &Error) -> Cow<'static, str> {
    match (error.reason(), error) {
        (Some(reason), _) => format!("{reason:?}").into(),
        (None, Error::TimedOut { .. }) => "timeout".into(),
        (None, error) => match error.kind() {
            ErrorKind::Unreachable | ErrorKind::Unknown => "connection: broken".into(),
            kind => format!("{kind:?}").into(),
        },
    }
}

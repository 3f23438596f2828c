//! The client: a cheap handle on its connections, and the one place that sends and repeats calls.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tonic::{Response, Status};

use crate::pool::{Pool, Route, Target};
use crate::status::{self, Effect, Failure};
use crate::{ClientBuilder, Error, Reason, RetryPolicy};

/// A handle on a store. Clones share the connections; clone it wherever it is needed.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: Pool,
    retry: RetryPolicy,
    request_timeout: Duration,
    message_bytes_max: usize,
}

impl Client {
    /// Starts to describe a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client with default settings for the server at `address`.
    ///
    /// # Errors
    /// The address is wrong, or cannot be reached.
    pub async fn connect(address: impl Into<String>) -> Result<Self, Error> {
        Self::builder().address(address).connect().await
    }

    pub(crate) fn new(
        pool: Pool,
        retry: RetryPolicy,
        request_timeout: Duration,
        message_bytes_max: usize,
    ) -> Self {
        Self { inner: Arc::new(Inner { pool, retry, request_timeout, message_bytes_max }) }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    pub(crate) fn retry(&self) -> &RetryPolicy {
        &self.inner.retry
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.inner.request_timeout
    }

    /// Sends a unary call to any connection.
    pub(crate) async fn call<Q, A, S, F>(
        &self,
        effect: Effect,
        request: Q,
        mut send: S,
    ) -> Result<A, Error>
    where
        Q: Message + Clone,
        S: FnMut(&Target, Q) -> F,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        self.check_length(&request)?;
        let send = |target: &Target| send(target, request.clone());
        Ok(self.run(effect, self.pool().any(), send).await?.into_inner())
    }

    /// Refuses a message over the limit. Tonic would reset the stream instead, and what the caller
    /// sees then looks like a broken connection.
    pub(crate) fn check_length(&self, message: &impl Message) -> Result<(), Error> {
        let (given, max) = (message.encoded_len(), self.inner.message_bytes_max);
        if given > max {
            let message =
                format!("message of {given} bytes is too long: at most {max} bytes are allowed");
            return Err(Error::BadRequest { reason: Reason::MessageTooLong, message });
        }
        Ok(())
    }

    /// Sends something until it succeeds, must not be repeated, or time or attempts are used up.
    pub(crate) async fn run<T, S, F>(
        &self,
        effect: Effect,
        route: Route,
        send: S,
    ) -> Result<T, Error>
    where
        S: FnMut(&Target) -> F,
        F: Future<Output = Result<T, Status>>,
    {
        self.run_within(self.request_timeout(), effect, route, send).await
    }

    /// The same, with a time of its own.
    pub(crate) async fn run_within<T, S, F>(
        &self,
        after: Duration,
        effect: Effect,
        route: Route,
        mut send: S,
    ) -> Result<T, Error>
    where
        S: FnMut(&Target) -> F,
        F: Future<Output = Result<T, Status>>,
    {
        let mut latest = Latest::default();
        let attempts = async {
            let mut failures = 0;
            loop {
                let target = self.pool().target(route, failures);
                latest.sent = Some(Arc::clone(&target.address));
                let status = match send(target).await {
                    Ok(answer) => return Ok(answer),
                    Err(status) => status,
                };
                latest.sent = None;
                let Failure { error, retry } = status::classify(status, &target.address, effect);
                failures += 1;
                if !retry || failures >= self.inner.retry.attempts_max {
                    return Err(error);
                }
                latest.failure = Some(error);
                self.inner.retry.pause(failures).await;
            }
        };
        match tokio::time::timeout(after, attempts).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(latest.timed_out(effect, after)),
        }
    }
}

/// What is known about a call when its time is up.
#[derive(Debug, Default)]
struct Latest {
    /// Where an attempt is under way.
    sent: Option<Arc<str>>,
    /// How the attempt before failed.
    failure: Option<Error>,
}

impl Latest {
    fn timed_out(self, effect: Effect, after: Duration) -> Error {
        match (self.sent, self.failure, effect) {
            (None, Some(failure), _) => failure,
            (sent, _, Effect::Write) => Error::OutcomeUnknown {
                address: sent.as_deref().unwrap_or_default().to_owned(),
                message: format!("nothing came within {after:?}"),
            },
            (sent, _, Effect::Read) => {
                Error::TimedOut { address: sent.as_deref().unwrap_or_default().to_owned(), after }
            }
        }
    }
}

//! Reads one key.

use kv_proto::v1 as wire;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Entry, Error, IntoBytes, convert};

/// Reads one key.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Get<T = Detached> {
    wire: wire::GetRequest,
    target: T,
}

operation!(Get => Option<Entry>);

impl Get {
    /// Reads `key`.
    pub fn new(key: impl IntoBytes) -> Self {
        Self::with_target(key, Detached)
    }
}

impl<T> Get<T> {
    fn with_target(key: impl IntoBytes, target: T) -> Self {
        Self { wire: wire::GetRequest { key: key.into_bytes() }, target }
    }
}

impl Get<Client> {
    /// Sends the request. `None` means that the key does not exist.
    ///
    /// # Errors
    /// The key is empty or too long, or no server answers.
    pub async fn send(self) -> Result<Option<Entry>, Error> {
        let Self { wire, target } = self;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.get(request).await }
        };
        Ok(convert::entry(target.call(Effect::Read, wire, send).await?))
    }
}

impl Client {
    /// Reads a key: its value, version and TTL.
    pub fn get(&self, key: impl IntoBytes) -> Get<Self> {
        Get::with_target(key, self.clone())
    }
}

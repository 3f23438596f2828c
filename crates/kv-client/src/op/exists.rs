//! Asks whether a key exists.

use kv_proto::v1 as wire;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Error, IntoBytes, Meta, convert};

/// Asks whether a key exists.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Exists<T = Detached> {
    wire: wire::ExistsRequest,
    target: T,
}

operation!(Exists => Option<Meta>);

impl Exists {
    /// Asks for `key`.
    pub fn new(key: impl IntoBytes) -> Self {
        Self::with_target(key, Detached)
    }
}

impl<T> Exists<T> {
    fn with_target(key: impl IntoBytes, target: T) -> Self {
        Self { wire: wire::ExistsRequest { key: key.into_bytes() }, target }
    }
}

impl Exists<Client> {
    /// Sends the request. `None` means that the key does not exist.
    ///
    /// # Errors
    /// The key is empty or too long, or no server answers.
    pub async fn send(self) -> Result<Option<Meta>, Error> {
        let Self { wire, target } = self;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.exists(request).await }
        };
        Ok(convert::meta(&target.call(Effect::Read, wire, send).await?))
    }
}

impl Client {
    /// Reads a key's version, TTL and length without its value.
    pub fn exists(&self, key: impl IntoBytes) -> Exists<Self> {
        Exists::with_target(key, self.clone())
    }
}

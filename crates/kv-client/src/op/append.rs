//! Adds bytes to a value.

use kv_proto::v1 as wire;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Appended, Client, Durability, Error, IntoBytes, convert};

/// Adds bytes to the end of a value; an absent key counts as empty. Keeps the TTL.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Append<T = Detached> {
    wire: wire::AppendRequest,
    target: T,
}

operation!(Append => Appended);

impl Append {
    /// Adds `suffix` to `key`.
    pub fn new(key: impl IntoBytes, suffix: impl IntoBytes) -> Self {
        Self::with_target(key, suffix, Detached)
    }
}

impl<T> Append<T> {
    fn with_target(key: impl IntoBytes, suffix: impl IntoBytes, target: T) -> Self {
        let (key, suffix) = (key.into_bytes(), suffix.into_bytes());
        Self { wire: wire::AppendRequest { key, suffix, ..Default::default() }, target }
    }
}

impl Append<Client> {
    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// Sends the append.
    ///
    /// # Errors
    /// The value would become too long; or no server answers.
    pub async fn send(self) -> Result<Appended, Error> {
        let Self { wire, target } = self;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.append(request).await }
        };
        Ok(convert::appended(&target.call(Effect::Write, wire, send).await?))
    }
}

impl Client {
    /// Adds bytes to the end of a key's value.
    pub fn append(&self, key: impl IntoBytes, suffix: impl IntoBytes) -> Append<Self> {
        Append::with_target(key, suffix, self.clone())
    }
}

//! Adds to a number.

use kv_proto::v1 as wire;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Durability, Error, Incremented, IntoBytes, convert};

/// Adds to the signed 64-bit decimal number a key holds; an absent key counts as 0.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Increment<T = Detached> {
    wire: wire::IncrementRequest,
    target: T,
}

operation!(Increment => Incremented);

impl Increment {
    /// Adds `delta`, which may be negative, to `key`.
    pub fn new(key: impl IntoBytes, delta: i64) -> Self {
        Self::with_target(key, delta, Detached)
    }
}

impl<T> Increment<T> {
    fn with_target(key: impl IntoBytes, delta: i64, target: T) -> Self {
        let key = key.into_bytes();
        Self { wire: wire::IncrementRequest { key, delta, ..Default::default() }, target }
    }
}

impl Increment<Client> {
    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// Sends the increment.
    ///
    /// # Errors
    /// The value is not a number or the result does not fit; or no server answers.
    pub async fn send(self) -> Result<Incremented, Error> {
        let Self { wire, target } = self;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.increment(request).await }
        };
        Ok(convert::incremented(&target.call(Effect::Write, wire, send).await?))
    }
}

impl Client {
    /// Adds `delta`, which may be negative, to the number a key holds.
    pub fn increment(&self, key: impl IntoBytes, delta: i64) -> Increment<Self> {
        Increment::with_target(key, delta, self.clone())
    }
}

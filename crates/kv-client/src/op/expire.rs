//! Sets or removes the expiry of an existing key.

use std::time::{Duration, SystemTime};

use kv_proto::v1 as wire;
use kv_proto::v1::expire_request::Expiry;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Durability, Error, ExpireRule, Expired, IntoBytes, convert};

/// Sets or removes the expiry of an existing key.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Expire<T = Detached> {
    wire: wire::ExpireRequest,
    target: T,
}

operation!(Expire => Expired);

impl Expire {
    /// `key` ends this long from now; parts of milliseconds are rounded up.
    pub fn after(key: impl IntoBytes, ttl: Duration) -> Self {
        Self::with_target(key, Expiry::TtlMs(convert::ttl_to_wire(ttl)), Detached)
    }

    /// `key` ends at this time. A time already past removes it.
    pub fn at(key: impl IntoBytes, time: SystemTime) -> Self {
        Self::with_target(key, Expiry::ExpiresAtMs(convert::time_to_wire(time)), Detached)
    }

    /// `key` lives until deleted.
    pub fn never(key: impl IntoBytes) -> Self {
        Self::with_target(key, Expiry::Persist(true), Detached)
    }
}

impl<T> Expire<T> {
    fn with_target(key: impl IntoBytes, expiry: Expiry, target: T) -> Self {
        let wire = wire::ExpireRequest {
            key: key.into_bytes(),
            expiry: Some(expiry),
            ..Default::default()
        };
        Self { wire, target }
    }

    /// When the change may be made; always when not called. Does not go with `persist`.
    pub fn rule(mut self, rule: ExpireRule) -> Self {
        self.wire.rule = convert::rule_to_wire(rule);
        self
    }
}

impl Expire<Client> {
    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// Sends the change. Whether it was made is in the answer.
    ///
    /// # Errors
    /// The expiry is out of range; or no server answers.
    pub async fn send(self) -> Result<Expired, Error> {
        let Self { wire, target } = self;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.expire(request).await }
        };
        Ok(convert::expired(&target.call(Effect::Write, wire, send).await?))
    }
}

impl Client {
    /// Lets a key end this long from now; parts of milliseconds are rounded up.
    pub fn expire(&self, key: impl IntoBytes, ttl: Duration) -> Expire<Self> {
        Expire::with_target(key, Expiry::TtlMs(convert::ttl_to_wire(ttl)), self.clone())
    }

    /// Lets a key end at this time. A time already past removes it.
    pub fn expire_at(&self, key: impl IntoBytes, time: SystemTime) -> Expire<Self> {
        Expire::with_target(key, Expiry::ExpiresAtMs(convert::time_to_wire(time)), self.clone())
    }

    /// Lets a key live until it is deleted.
    pub fn persist(&self, key: impl IntoBytes) -> Expire<Self> {
        Expire::with_target(key, Expiry::Persist(true), self.clone())
    }
}

//! Writes one key.

use std::time::{Duration, SystemTime};

use kv_proto::v1 as wire;
use kv_proto::v1::set_request::Expiry;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Durability, Error, IntoBytes, Version, Written, convert};

/// Writes one key, optionally with an expiry and under a condition.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Set<T = Detached> {
    wire: wire::SetRequest,
    target: T,
}

operation!(Set => Written);

impl Set {
    /// Sets `key` to `value`.
    pub fn new(key: impl IntoBytes, value: impl IntoBytes) -> Self {
        Self::with_target(key, value, Detached)
    }
}

impl<T> Set<T> {
    fn with_target(key: impl IntoBytes, value: impl IntoBytes, target: T) -> Self {
        let (key, value) = (key.into_bytes(), value.into_bytes());
        Self { wire: wire::SetRequest { key, value, ..Default::default() }, target }
    }

    /// The key ends this long from now; parts of milliseconds are rounded up. Of `ttl`, `expires_at`
    /// and `keep_ttl` the last one counts; without any, the key lives until deleted.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.wire.expiry = Some(Expiry::TtlMs(convert::ttl_to_wire(ttl)));
        self
    }

    /// The key ends at this time. A time already past makes the write act as a delete.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.wire.expiry = Some(Expiry::ExpiresAtMs(convert::time_to_wire(time)));
        self
    }

    /// The key keeps the expiry it has, if any.
    pub fn keep_ttl(mut self) -> Self {
        self.wire.expiry = Some(Expiry::KeepTtl(true));
        self
    }

    /// Write only if the key does not exist. Of the three conditions the last one counts.
    pub fn if_absent(self) -> Self {
        self.condition(wire::Condition::IfAbsent, 0)
    }

    /// Write only if the key exists.
    pub fn if_present(self) -> Self {
        self.condition(wire::Condition::IfPresent, 0)
    }

    /// Write only if the key exists at exactly this version: compare and set.
    pub fn if_version(self, version: impl Into<Version>) -> Self {
        self.condition(wire::Condition::IfVersion, version.into().get())
    }

    /// Answer with the value the key had before.
    pub fn return_previous(mut self) -> Self {
        self.wire.return_previous = true;
        self
    }

    fn condition(mut self, condition: wire::Condition, version: u64) -> Self {
        self.wire.condition = i32::from(condition);
        self.wire.if_version = version;
        self
    }
}

impl Set<Client> {
    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// Sends the write.
    ///
    /// # Errors
    /// [`Error::ConditionFailed`] when a condition was set and does not hold; else the request is
    /// refused, or no server answers.
    pub async fn send(self) -> Result<Written, Error> {
        let Self { wire, target } = self;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.set(request).await }
        };
        convert::written(target.call(Effect::Write, wire, send).await?)
    }
}

impl Client {
    /// Writes a key.
    pub fn set(&self, key: impl IntoBytes, value: impl IntoBytes) -> Set<Self> {
        Set::with_target(key, value, self.clone())
    }
}

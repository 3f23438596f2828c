//! Removes one key.

use kv_proto::v1 as wire;

use super::{Detached, operation};
use crate::pool::Target;
use crate::status::Effect;
use crate::{Client, Deleted, Durability, Error, IntoBytes, Version, convert};

/// Removes one key, optionally only at a given version.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Delete<T = Detached> {
    wire: wire::DeleteRequest,
    target: T,
}

operation!(Delete => Option<Deleted>);

impl Delete {
    /// Removes `key`.
    pub fn new(key: impl IntoBytes) -> Self {
        Self::with_target(key, Detached)
    }
}

impl<T> Delete<T> {
    fn with_target(key: impl IntoBytes, target: T) -> Self {
        Self { wire: wire::DeleteRequest { key: key.into_bytes(), ..Default::default() }, target }
    }

    /// Remove only at exactly this version; a key at another version, or none, fails the condition.
    pub fn if_version(mut self, version: impl Into<Version>) -> Self {
        // On the wire 0 stands for "no condition". A caller who names version 0, which no key has,
        // must not delete whatever is there; nor has any key the last version.
        let version = version.into().get();
        self.wire.if_version = if version == 0 { u64::MAX } else { version };
        self
    }

    /// Answer with the value the key had before.
    pub fn return_previous(mut self) -> Self {
        self.wire.return_previous = true;
        self
    }
}

impl Delete<Client> {
    /// The level to reach before the server answers; its default when not called.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.wire.durability = convert::durability_to_wire(durability);
        self
    }

    /// Sends the delete. `None` means that there was no such key.
    ///
    /// # Errors
    /// [`Error::ConditionFailed`] when `if_version` was set and does not hold; else the request is
    /// refused, or no server answers.
    pub async fn send(self) -> Result<Option<Deleted>, Error> {
        let Self { wire, target } = self;
        let conditional = wire.if_version != 0;
        let send = |to: &Target, request| {
            let mut kv = to.kv();
            async move { kv.delete(request).await }
        };
        convert::deleted(target.call(Effect::Write, wire, send).await?, conditional)
    }
}

impl Client {
    /// Removes a key.
    pub fn delete(&self, key: impl IntoBytes) -> Delete<Self> {
        Delete::with_target(key, self.clone())
    }
}

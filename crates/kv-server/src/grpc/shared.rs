//! What every gRPC service holds: the store and the bounds of one message.

use std::sync::Arc;

use kv_core::{Op, Payload, Reply, Store, StoreError};

use super::durability;
use super::refusal::Refusal;
use super::room::MESSAGE_ROOM_BYTES;
use crate::config::LimitsSection;

/// The store and the bounds of one message.
pub(crate) struct Shared {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Longest message, in both directions.
    pub(crate) message_bytes_max: usize,
    /// Most operations or keys in one message.
    pub(crate) batch_ops_max: usize,
    /// Most entries in one scan page.
    pub(crate) scan_page_keys_max: usize,
    /// A scan page ends with the entry that reaches this many bytes.
    pub(crate) scan_page_bytes_max: usize,
}

impl Shared {
    /// Puts the store behind the limits.
    pub(crate) fn new(store: Arc<dyn Store>, limits: &LimitsSection) -> Self {
        Self {
            store,
            message_bytes_max: limits.message_bytes_max.as_usize(),
            batch_ops_max: limits.batch_ops_max.as_usize(),
            scan_page_keys_max: limits.scan_page_keys_max.as_usize(),
            scan_page_bytes_max: limits.scan_page_bytes_max.as_usize(),
        }
    }

    /// Executes one operation whose answer must fit in one message.
    pub(crate) fn execute(&self, op: &Op<'_>) -> Result<Reply, Refusal> {
        let reply = self.store.execute(op)?;
        if let Payload::Value(value) = &reply.payload
            && value.len() + MESSAGE_ROOM_BYTES > self.message_bytes_max
        {
            let applied = reply.applied && !op.action.is_read();
            let (bytes, max) = (value.len(), self.message_bytes_max);
            return Err(Refusal::ValueOverAnswer { bytes, max, applied });
        }
        Ok(reply)
    }

    /// Executes one write that is to reach `level`.
    pub(crate) fn write(&self, op: &Op<'_>, level: i32) -> Result<Reply, Refusal> {
        durability::check(level, self.store.durability_max())?;
        self.execute(op)
    }

    /// Refuses a batch of too many operations before they are looked at.
    pub(crate) fn check_batch(&self, given: usize) -> Result<(), Refusal> {
        if given > self.batch_ops_max {
            return Err(StoreError::BatchTooLarge { given, max: self.batch_ops_max }.into());
        }
        Ok(())
    }
}

//! What every gRPC service holds: the store, the bounds of one message, and what is promised of writes.

use std::sync::Arc;

use kv_core::{Durability, Op, Payload, Reply, Store, StoreError};

use super::durability::{self, Basis, Promise};
use super::refusal::Refusal;
use super::room::MESSAGE_ROOM_BYTES;
use crate::config::Config;
use crate::waiting::Waiter;

/// The store, the bounds of one message, and what is promised of writes.
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
    /// What is promised of writes and reads.
    promise: Promise,
}

impl Shared {
    /// Puts the store behind the limits.
    pub(crate) fn new(store: Arc<dyn Store>, config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            store,
            message_bytes_max: limits.message_bytes_max.as_usize(),
            batch_ops_max: limits.batch_ops_max.as_usize(),
            scan_page_keys_max: limits.scan_page_keys_max.as_usize(),
            scan_page_bytes_max: limits.scan_page_bytes_max.as_usize(),
            promise: Promise::new(&config.persist),
        }
    }

    /// The level a write is to reach that asks for the level of this number.
    pub(crate) fn level(&self, number: i32) -> Result<Durability, Refusal> {
        self.promise.level(number, self.store.durability_max())
    }

    /// Executes one read whose answer must fit in one message.
    pub(crate) async fn read(&self, op: &Op<'_>) -> Result<Reply, Refusal> {
        let reply = self.store.execute(op)?;
        self.settle(Basis::of_read(reply.lsn), Durability::Memory).await?;
        self.check_answer(&reply, false)?;
        Ok(reply)
    }

    /// Executes one write whose answer must fit in one message, waits for the level of this number, and
    /// tells the level reached.
    pub(crate) async fn write(
        &self,
        op: &Op<'_>,
        number: i32,
    ) -> Result<(Reply, Durability), Refusal> {
        let level = self.level(number)?;
        let reply = self.store.execute(op)?;
        let achieved = self.settle(Basis::of(&reply, false), level).await?;
        self.check_answer(&reply, reply.applied)?;
        Ok((reply, achieved))
    }

    /// Waits until an answer may be sent, and tells the level that its writes have reached.
    pub(crate) async fn settle(
        &self,
        basis: Basis,
        level: Durability,
    ) -> Result<Durability, Refusal> {
        if let Some(mut waiter) = self.waiter(basis, level)? {
            let waited = waiter.wait(self.store.progress()).await;
            waited.map_err(|failure| basis.refusal(failure))?;
        }
        Ok(self.achieved(basis, level))
    }

    /// What an answer must wait for before it is sent; `None` when nothing.
    pub(crate) fn waiter(
        &self,
        basis: Basis,
        level: Durability,
    ) -> Result<Option<Waiter>, Refusal> {
        self.promise.waiter(self.store.progress(), basis, level)
    }

    /// The level that the writes of an answer have reached which has waited for `level`.
    pub(crate) fn achieved(&self, basis: Basis, level: Durability) -> Durability {
        durability::achieved(self.store.progress(), basis, level)
    }

    fn check_answer(&self, reply: &Reply, applied: bool) -> Result<(), Refusal> {
        let max = self.message_bytes_max;
        match &reply.payload {
            Payload::Value(value) if value.len() + MESSAGE_ROOM_BYTES > max => {
                Err(Refusal::ValueOverAnswer { bytes: value.len(), max, applied })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a batch of too many operations before they are looked at.
    pub(crate) fn check_batch(&self, given: usize) -> Result<(), Refusal> {
        if given > self.batch_ops_max {
            return Err(StoreError::BatchTooLarge { given, max: self.batch_ops_max }.into());
        }
        Ok(())
    }
}

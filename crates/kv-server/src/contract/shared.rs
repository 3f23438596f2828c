//! What everyone holds who exchanges messages of the contract: the way to the store, and the bounds of one
//! message.

use std::sync::Arc;

use kv_core::{Durability, Op, Payload, Reply, Store, StoreError};

use super::convert;
use super::refusal::Refusal;
use super::room::MESSAGE_ROOM_BYTES;
use crate::config::Config;
use crate::gate::Gate;
use crate::metrics::Protocol;
use crate::promise::Basis;
use crate::slow::tell;

/// The way to the store, and the bounds of one message.
pub(crate) struct Shared {
    /// The way to the store.
    pub(crate) gate: Arc<Gate>,
    /// Whose messages they are, for the counters.
    pub(crate) protocol: Protocol,
    /// Longest message, in both directions.
    pub(crate) message_bytes_max: usize,
    /// Most operations or keys in one message.
    pub(crate) batch_ops_max: usize,
    /// Most entries in one scan page.
    pub(crate) scan_page_keys_max: usize,
    /// A scan page ends with the entry that reaches this many bytes: at most half a message, which leaves the
    /// other half for that entry.
    pub(crate) scan_page_bytes_max: usize,
}

impl Shared {
    /// Bounds the messages of those who go this way.
    pub(crate) fn new(gate: Arc<Gate>, config: &Config, protocol: Protocol) -> Self {
        let limits = &config.limits;
        let message_bytes_max = limits.message_bytes_max.as_usize();
        Self {
            gate,
            protocol,
            message_bytes_max,
            batch_ops_max: limits.batch_ops_max.as_usize(),
            scan_page_keys_max: limits.scan_page_keys_max.as_usize(),
            scan_page_bytes_max: limits.scan_page_bytes_max.as_usize().min(message_bytes_max / 2),
        }
    }

    /// The level a write is to reach that asks for the level of this number.
    pub(crate) fn level(&self, number: i32) -> Result<Durability, Refusal> {
        Ok(self.gate.level(convert::durability(number)?)?)
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn Store {
        &**self.gate.store()
    }

    /// Executes one read whose answer must fit in one message.
    pub(crate) async fn read(&self, op: &Op<'_>) -> Result<Reply, Refusal> {
        tell::key(op.key);
        let reply = self.store().execute(op)?;
        self.gate.settle(Basis::of_read(reply.lsn), Durability::Memory).await?;
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
        tell::key(op.key);
        let level = self.level(number)?;
        let reply = self.store().execute(op)?;
        let achieved = self.gate.settle(Basis::of(&reply, false), level).await?;
        self.check_answer(&reply, reply.applied)?;
        Ok((reply, achieved))
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
        tell::operations(given);
        if given > self.batch_ops_max {
            return Err(StoreError::BatchTooLarge { given, max: self.batch_ops_max }.into());
        }
        Ok(())
    }
}

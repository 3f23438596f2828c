//! What servers call: the store as a trait, whatever engine is behind it.

use crate::activity::StoreActivity;
use crate::engine::ConfigError;
use crate::error::{BatchError, StoreError};
use crate::eviction::PolicyKind;
use crate::inspect::{KeyInfo, RandomKey, StoreSettings};
use crate::journal::Progress;
use crate::scan::{ScanCursor, ScanPage, ScanSpec};
use crate::stats::StoreStats;
use crate::types::{Durability, Lsn, Op, Reply, Transfer, TransferReply};

/// Takes the results of operations, one after the other.
///
/// It may be called while the store holds locks: it takes no longer than copying or decompressing a small value
/// does, of less than 16 KiB, does not panic, and does not call the store.
pub trait ReplySink {
    /// Takes the next result.
    fn reply(&mut self, result: Result<Reply, StoreError>);

    /// Takes the next result, of a read whose value is lent for the call instead of being the reply's payload:
    /// only values that are too small to be worth sharing. By default it is copied.
    fn lend(&mut self, reply: Reply, value: &[u8]) {
        self.reply(Ok(reply.with_copy_of(value)));
    }
}

impl ReplySink for Vec<Result<Reply, StoreError>> {
    fn reply(&mut self, result: Result<Reply, StoreError>) {
        self.push(result);
    }
}

/// A key-value store.
///
/// Contract, for every method:
/// * *Atomicity.* One operation is seen by others wholly or not at all: value, expiry, version and
///   accounting change together (KV-I5).
/// * *Versions.* Every change of a key gives it a greater version than it ever had (KV-I4).
/// * *Expiry.* A key whose time has come is not seen by any operation (KV-I6).
/// * *Errors.* A refused operation changed nothing.
/// * *Cost.* Calls run on the caller's thread and never wait for a device, unless they say so; copies are
///   proportional to the bytes moved. No method may be called from within another's callback.
pub trait Store: Send + Sync {
    /// Executes one operation.
    ///
    /// # Errors
    /// [`StoreError`] when the operation is refused. An absent key or an unmet condition is a
    /// [`Reply`] with `applied == false`, not an error.
    fn execute(&self, op: &Op<'_>) -> Result<Reply, StoreError>;

    /// Executes operations independently, and pushes one result each, in order.
    ///
    /// Operations on the same key are executed in order. Other callers may see some applied before
    /// others.
    ///
    /// # Errors
    /// [`StoreError::BatchTooLarge`], with nothing executed.
    fn execute_batch(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError>;

    /// Executes operations in the order given, and gives `replies` one result each, in that order.
    ///
    /// Other callers may come between any two, but whoever sees the effect of one sees those of all before
    /// it. Costs less than as many calls of [`execute`](Self::execute): the clock is read once,
    /// unless values are long enough to be compressed or shared, and
    /// operations that follow each other in one shard share its lock, unless all near them are reads.
    ///
    /// # Errors
    /// [`StoreError::BatchTooLarge`], with nothing executed and no result given.
    fn execute_in_order(
        &self,
        ops: &[Op<'_>],
        replies: &mut dyn ReplySink,
    ) -> Result<(), StoreError>;

    /// Executes operations as one: all are applied and no other caller sees some without the rest, or
    /// none is. Each operation sees the effects of those before it. A key that several operations
    /// write gets one new version.
    ///
    /// # Errors
    /// [`BatchError`] names the first operation whose condition did not hold or that was refused.
    fn execute_atomic(&self, ops: &[Op<'_>]) -> Result<Vec<Reply>, BatchError>;

    /// Gives what one key holds to another, as one write that no other caller sees half of.
    ///
    /// # Errors
    /// [`StoreError`] when the transfer is refused.
    fn transfer(&self, transfer: &Transfer<'_>) -> Result<TransferReply, StoreError>;

    /// Reads one page of an iteration. The order is unspecified.
    ///
    /// A key that exists from the first page to the last is returned at least once; a key that comes or
    /// goes meanwhile may be returned or not; a key may be returned more than once.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`] for a cursor of another store.
    fn scan(&self, spec: &ScanSpec<'_>, cursor: Option<ScanCursor>)
    -> Result<ScanPage, StoreError>;

    /// Removes every key, as one write that no other caller sees half of, and tells how many there were
    /// and the log position. The keys' memory is freed on this thread, after others may go on.
    ///
    /// # Errors
    /// [`StoreError::Journal`], with nothing removed.
    fn flush(&self) -> Result<(u64, Lsn), StoreError>;

    /// Draws a live key at random: every key has about the same chance. Does not count as a use.
    ///
    /// Costs a few locks in a store that has as many keys as shards; at worst, with few keys or many that
    /// have expired, each shard's lock a few times and a look at every key.
    fn random_key(&self) -> RandomKey;

    /// What the store knows of a key, beside its value; `None` when it does not exist. Does not count as a
    /// use.
    fn inspect(&self, key: &[u8]) -> Option<KeyInfo>;

    /// The settings in force.
    fn settings(&self) -> StoreSettings;

    /// Changes the memory limit; 0 is none. A lower one evicts, as the policy says, until it holds, and
    /// tells whether it does: it may not when the policy finds nothing to evict, or the journal takes no
    /// deletes. Until it holds, writes that need more memory are refused, or make room as far as they can.
    ///
    /// Takes locks one at a time, so that others may use the store meanwhile. May take long, and wait for a
    /// journal that is behind: not to be called where nothing may block.
    ///
    /// # Errors
    /// [`ConfigError::MemoryLimit`] when not even an empty store could keep the limit; the one before stays.
    fn set_memory_limit(&self, bytes: u64) -> Result<bool, ConfigError>;

    /// Changes the eviction policy. What the one before knew of the keys is lost: for the new one, all of
    /// them have just come.
    ///
    /// Takes each shard's lock once, for a look at each of its keys.
    fn set_eviction_policy(&self, kind: PolicyKind);

    /// Changes the length from which on values that are set are compressed; `None` for never. Values that are there
    /// stay as they are kept.
    ///
    /// # Errors
    /// [`ConfigError::CompressMin`] below [`COMPRESS_MIN_BYTES_MIN`](crate::COMPRESS_MIN_BYTES_MIN).
    fn set_compression(&self, min_bytes: Option<usize>) -> Result<(), ConfigError>;

    /// What the store holds and has done. Takes each shard's lock once.
    fn stats(&self) -> StoreStats;

    /// What the store does beside what it is asked for. Takes no lock.
    fn activity(&self) -> StoreActivity;

    /// How safe the store's writes have become.
    fn progress(&self) -> &dyn Progress;

    /// The strongest durability this store can reach.
    fn durability_max(&self) -> Durability {
        self.progress().durability_max()
    }
}

//! Running one operation: find, judge, make sure of room, write to the journal, change, answer.

use super::{Context, Shard, Trash};
use crate::compression::with_compressed;
use crate::engine::entry::{Entry, EntryRef, SHARED_VALUE_BYTES_MIN};
use crate::engine::evaluate::{Plan, evaluate};
use crate::engine::halt::Halt;
use crate::engine::stored::{Form, Stored};
use crate::error::StoreError;
use crate::eviction::Fingerprint;
use crate::journal::{Change, DeleteCause, Journal};
use crate::types::{Action, Lsn, Op, Payload, Reply, SetExpiry, UnixMillis, Version};

/// From this length on, a value is copied before the lock is taken. A shorter one is copied under the lock, most often to
/// where the one before is (ADR-0018); a new entry is allocated there too.
const PREPARED_BYTES_MIN: usize = 1 << 10;

/// The entry of a `Set`, copied and perhaps compressed before the lock is taken, if that takes a while.
#[derive(Debug, Default)]
pub(crate) struct Prepared(Option<Entry>);

impl Prepared {
    /// Copies what a `Set` will store, compressed if it has at least `compress_min` bytes and that pays; does nothing
    /// for short values and other actions.
    pub(crate) fn new(op: &Op<'_>, now: UnixMillis, compress_min: usize) -> Self {
        let Action::Set { value, expiry, .. } = op.action else {
            return Self(None);
        };
        if value.len() < PREPARED_BYTES_MIN.min(compress_min) {
            return Self(None);
        }
        let expiry = match expiry {
            SetExpiry::Deadline(deadline) => deadline.resolve(now).ok(),
            // What is kept is not known yet; `take` mends it when there is an expiry to keep.
            SetExpiry::Keep | SetExpiry::Never => None,
        };
        with_compressed(value, compress_min, |compressed| {
            Self(Some(Entry::keeping(op.key, Stored::of(value, compressed), expiry)))
        })
    }

    /// Whether what [`new`](Self::new) does for an operation takes so long that the clock is to be read again.
    #[inline]
    pub(crate) fn takes_long(op: &Op<'_>, compress_min: usize) -> bool {
        let Action::Set { value, .. } = op.action else { return false };
        value.len() >= SHARED_VALUE_BYTES_MIN.min(compress_min)
    }

    /// How the value will be kept.
    fn form(&self, value: &[u8]) -> Form {
        let prepared = self.0.as_ref().map(|entry| entry.borrow().stored().form());
        prepared.unwrap_or(Form::plain(value.len()))
    }

    /// The entry prepared, or one made now.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Entry {
        let Some(mut entry) = self.0.take() else {
            return Entry::new(key, value, expiry);
        };
        entry.set_expiry(expiry);
        entry
    }
}

/// The state a change leaves a key in.
#[derive(Debug)]
struct Outcome {
    version: Version,
    expiry: Option<UnixMillis>,
    lsn: Lsn,
}

impl Shard {
    /// Executes one operation.
    pub(crate) fn execute<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        (op, fingerprint): (&Op<'_>, Fingerprint),
        prepared: &mut Prepared,
        trash: &mut Trash<'_>,
    ) -> Result<Reply, Halt> {
        let slot = self.find_live(ctx, fingerprint, op.key, trash);
        let verdict = evaluate(op, slot.map(|slot| self.view(slot)), ctx.now, &ctx.bounds())?;
        let used = slot.filter(|_| op.action.is_use() && !matches!(verdict.plan, Plan::Remove));
        let outcome = match verdict.plan {
            Plan::Keep => self.keep(ctx, slot),
            Plan::Put { value, expiry } => {
                let change = Change::Put { value: &value, expiry };
                let form = prepared.form(&value);
                let (version, lsn) = self.log(ctx, slot, (op.key, form), change)?;
                let is_prepared = prepared.0.is_some();
                let overwritten = slot.is_some_and(|slot| {
                    !is_prepared && self.apply_overwrite(ctx, slot, &value, (version, expiry))
                });
                if !overwritten {
                    let mut entry = prepared.take(op.key, &value, expiry);
                    entry.set_version(version);
                    self.apply_put(ctx, slot, (fingerprint, entry), trash);
                }
                Outcome { version, expiry, lsn }
            }
            Plan::Touch { expiry } => {
                let (version, lsn) =
                    self.log(ctx, slot, (op.key, Form::NONE), Change::Touch { expiry })?;
                self.apply_touch(ctx, existing(slot), expiry, version);
                Outcome { version, expiry, lsn }
            }
            Plan::Remove => {
                let change = Change::Delete(DeleteCause::Request);
                let (version, lsn) = self.log(ctx, slot, (op.key, Form::NONE), change)?;
                self.discard(ctx, existing(slot), trash);
                Outcome { version, expiry: None, lsn }
            }
        };
        if op.action.is_lookup() {
            self.count_reads(u64::from(slot.is_some()), u64::from(slot.is_none()));
        }
        if let Some(slot) = used {
            self.touch_policy(slot);
        }
        Ok(reply((verdict.applied, slot.is_some()), verdict.payload, &outcome, ctx.now))
    }

    /// Executes one operation; a small value that is only read is lent to `lend`, with a reply without payload,
    /// and `None` is returned.
    #[inline]
    pub(crate) fn execute_lending<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        (op, fingerprint): (&Op<'_>, Fingerprint),
        prepared: &mut Prepared,
        (trash, lend): (&mut Trash<'_>, impl FnOnce(Reply, &[u8])),
    ) -> Result<Option<Reply>, Halt> {
        if !op.is_plain_get() {
            return self.execute(ctx, (op, fingerprint), prepared, trash).map(Some);
        }
        Ok(self.read_lending(ctx.journal, || *ctx, (fingerprint, op.key), (trash, lend)))
    }

    /// Counts lookups.
    #[inline]
    pub(crate) fn count_reads(&mut self, hits: u64, misses: u64) {
        self.lookups.hits += hits;
        self.lookups.misses += misses;
    }

    /// Counts a write made.
    pub(crate) fn count_write(&mut self) {
        self.counters.writes += 1;
    }

    fn keep<J: Journal>(&mut self, ctx: &Context<'_, J>, slot: Option<usize>) -> Outcome {
        let entry = slot.map(|slot| self.table.entry(slot));
        let (version, expiry) = (entry.map(EntryRef::version), entry.and_then(EntryRef::expiry));
        let lsn = self.exposed(ctx, version);
        Outcome { version: version.unwrap_or_default(), expiry, lsn }
    }

    /// Readies a change: makes sure of room, for a value of a put in this form, takes a version and writes the
    /// effect to the journal. When this returns, the change must be made.
    fn log<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: Option<usize>,
        (key, form): (&[u8], Form),
        change: Change<'_>,
    ) -> Result<(Version, Lsn), Halt> {
        self.ensure(ctx, self.growth(slot, (key, form), &change, self.coming_version()))?;
        let version = self.next_version();
        let lsn = self.append(ctx, version, key, change).map_err(StoreError::Journal)?;
        self.note_write(ctx, version, lsn, matches!(change, Change::Delete(_)));
        self.count_write();
        Ok((version, lsn))
    }
}

fn existing(slot: Option<usize>) -> usize {
    slot.expect("only an existing key is planned to be touched or removed")
}

fn reply(
    (applied, existed): (bool, bool),
    payload: Payload,
    outcome: &Outcome,
    now: UnixMillis,
) -> Reply {
    let ttl_ms = outcome.expiry.map(|expiry| expiry.millis_since(now));
    Reply { applied, existed, version: outcome.version, ttl_ms, payload, lsn: outcome.lsn }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::store::ShardedStore;
    use crate::testing::ManualClock;
    use crate::types::{Condition, Deadline};
    use crate::{EngineConfig, NullJournal, Store as _, TtlManager};

    type Engine = ShardedStore<NullJournal, ManualClock>;

    fn engine(compress_min_bytes: Option<usize>) -> Arc<Engine> {
        let config = EngineConfig { shards: 1, compress_min_bytes, ..EngineConfig::default() };
        Arc::new(Engine::new(config, NullJournal, ManualClock::default()).unwrap())
    }

    fn set(store: &Engine, value: &[u8], expiry: SetExpiry) {
        let action = Action::Set { value, expiry, return_previous: false };
        let op = Op { key: b"key", condition: Condition::None, action };
        assert!(store.execute(&op).unwrap().applied);
        store.verify();
    }

    /// Where the key is, as a number.
    fn place(store: &Engine) -> usize {
        let location = store.locate(b"key");
        let shard = store.lock(location.shard);
        let slot = shard.find(location.fingerprint, b"key").expect("it is there");
        shard.entry(slot).key().as_ptr().addr()
    }

    fn after(ms: i64) -> SetExpiry {
        SetExpiry::Deadline(Deadline::after(ms).unwrap())
    }

    #[test]
    fn a_value_of_the_same_length_stays_in_its_place_whatever_becomes_of_the_expiry() {
        let store = engine(None);
        set(&store, b"first", SetExpiry::Never);
        let before = place(&store);
        for (value, expiry, volatile) in [
            (b"again", SetExpiry::Never, 0),
            (b"later", after(60_000), 1),
            (b"hurry", after(1000), 1),
            (b"keeps", SetExpiry::Keep, 1),
            (b"never", SetExpiry::Never, 0),
            (b"ended", after(500), 1),
        ] {
            set(&store, value, expiry);
            assert_eq!((place(&store), store.stats().volatile_keys), (before, volatile));
            let reply = store.execute(&Op::new(b"key", Action::Get)).unwrap();
            assert_eq!(reply.into_value().unwrap().as_ref(), value);
        }
        store.clock.advance_ms(600);
        TtlManager::new(Arc::clone(&store)).tick();
        assert_eq!(store.stats().keys, 0);
        store.verify();
    }

    #[test]
    fn a_plain_value_replaces_a_compressed_one_of_as_many_bytes() {
        let store = engine(Some(1 << 10));
        set(&store, &[b'x'; 1 << 12], SetExpiry::Never);
        let kept = {
            let location = store.locate(b"key");
            let shard = store.lock(location.shard);
            let slot = shard.find(location.fingerprint, b"key").expect("it is there");
            shard.entry(slot).stored().form().len
        };
        assert!(kept < PREPARED_BYTES_MIN, "{kept} bytes");
        set(&store, &vec![b'y'; kept], SetExpiry::Never);
        let stats = store.stats();
        assert_eq!((stats.compressed_values, stats.keys), (0, 1));
    }
}

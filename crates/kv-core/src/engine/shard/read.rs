//! Reading one key without condition: what `execute` does for a `Get`, and nothing else.

use super::{Context, Shard, Trash};
use crate::engine::stored::{Held, Stored};
use crate::eviction::Fingerprint;
use crate::journal::Journal;
use crate::types::{Lsn, Payload, Reply, Version};

/// What a read sees of a key. Small, and moved where a [`Reply`] would be copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    version: Version,
    ttl_ms: Option<u64>,
    lsn: Lsn,
    /// None of a key that does not exist.
    value: Option<Stored<'a>>,
}

impl Seen<'_> {
    /// The reply, with this payload.
    #[inline]
    fn reply(self, payload: Payload) -> Reply {
        let Self { version, ttl_ms, lsn, value } = self;
        let exists = value.is_some();
        Reply { applied: exists, existed: exists, version, ttl_ms, payload, lsn }
    }

    /// The reply, with the value as it is kept.
    #[inline]
    pub(crate) fn to_reply(self) -> Reply {
        self.reply(self.value.map_or(Payload::None, |value| Payload::Value(value.to_value())))
    }
}

impl Shard {
    /// Reads a key as a `Get` without condition does.
    ///
    /// `context` is asked for only where a key has an expiry: no other read looks at the clock.
    #[inline]
    pub(crate) fn read<'s, 'a, J: Journal>(
        &'s mut self,
        journal: &'a J,
        context: impl FnOnce() -> Context<'a, J>,
        (fingerprint, key): (Fingerprint, &[u8]),
        trash: &mut Trash<'_>,
    ) -> Seen<'s> {
        let found = self.table.find(fingerprint, key).and_then(|slot| {
            let entry = self.table.entry(slot);
            let (version, expiry) = (entry.version(), entry.expiry());
            let Some(expiry) = expiry else { return Some((slot, version, None)) };
            let ctx = context();
            if entry.is_expired(ctx.now) {
                self.expire_slot(&ctx, slot, trash);
                return None;
            }
            Some((slot, version, Some(expiry.millis_since(ctx.now))))
        });
        let Some((slot, version, ttl_ms)) = found else {
            self.count_reads(0, 1);
            let lsn = self.unsynced.exposed(journal, None);
            return Seen { version: Version::NONE, ttl_ms: None, lsn, value: None };
        };
        self.count_reads(1, 0);
        self.touch_policy(slot);
        let lsn = self.unsynced.exposed(journal, Some(version));
        Seen { version, ttl_ms, lsn, value: Some(self.table.entry(slot).stored()) }
    }

    /// The same; a small value that is kept as it is is lent to `lend`, and `None` is returned.
    #[inline]
    pub(crate) fn read_lending<'a, J: Journal>(
        &mut self,
        journal: &'a J,
        context: impl FnOnce() -> Context<'a, J>,
        key: (Fingerprint, &[u8]),
        (trash, lend): (&mut Trash<'_>, impl FnOnce(Reply, &[u8])),
    ) -> Option<Reply> {
        let seen = self.read(journal, context, key, trash);
        match seen.value {
            Some(Stored { held: Held::Owned(value), is_compressed: false }) => {
                lend(seen.reply(Payload::None), value);
                None
            }
            _ => Some(seen.to_reply()),
        }
    }
}

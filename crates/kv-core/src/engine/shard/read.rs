//! Reading one key without condition: what `execute` does for a `Get`, and nothing else.

use super::{Context, Shard, Trash};
use crate::engine::stored::{Held, Stored};
use crate::eviction::Fingerprint;
use crate::journal::Journal;
use crate::types::{Payload, Reply};

impl Shard {
    /// Reads a key as a `Get` without condition does, and hands the reply, without payload, to `show`, with the
    /// value if there is one.
    ///
    /// `context` is asked for only where a key has an expiry: no other read looks at the clock.
    #[inline]
    pub(crate) fn read<'a, J: Journal, T>(
        &mut self,
        journal: &'a J,
        context: impl FnOnce() -> Context<'a, J>,
        (fingerprint, key): (Fingerprint, &[u8]),
        (trash, show): (&mut Trash<'_>, impl FnOnce(Reply, Option<Stored<'_>>) -> T),
    ) -> T {
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
            return show(Reply { lsn, ..Reply::default() }, None);
        };
        self.count_reads(1, 0);
        self.touch_policy(slot);
        let lsn = self.unsynced.exposed(journal, Some(version));
        let (applied, existed, payload) = (true, true, Payload::None);
        let reply = Reply { applied, existed, version, ttl_ms, payload, lsn };
        show(reply, Some(self.table.entry(slot).stored()))
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
        let show = |reply: Reply, value: Option<Stored<'_>>| match value {
            Some(Stored { held: Held::Owned(value), is_compressed: false }) => {
                lend(reply, value);
                None
            }
            Some(value) => Some(Reply { payload: Payload::Value(value.to_value()), ..reply }),
            None => Some(reply),
        };
        self.read(journal, context, key, (trash, show))
    }
}

//! Durability levels: which a write is to reach, what an answer must wait for, and which was reached.

use std::sync::atomic::{AtomicU8, Ordering};

use kv_core::{Durability, JournalError, Lsn, Progress, Reply};

use crate::config::{FsyncMode, PersistSection};
use crate::waiting::Waiter;

/// Every level, weakest first.
const LEVELS: [Durability; 3] = [Durability::Memory, Durability::Buffered, Durability::Fsync];

/// What the configuration promises, of which `persist.fsync` may change while the server runs.
#[derive(Debug)]
pub(crate) struct Promised {
    /// Whether anything is kept on disk.
    is_kept: bool,
    read_uncommitted: bool,
    fsync: AtomicU8,
}

/// What is promised to every write and every read now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promise {
    /// The level of writes that ask for no higher one.
    default: Durability,
    /// Whether an answer may show writes that are not on stable storage yet, or never will be.
    read_uncommitted: bool,
}

/// Why an answer is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unkept {
    /// The server does not go that far. Nothing was executed.
    #[error("durability {asked} cannot be reached by this server: allowed are {allowed}")]
    Level {
        /// The level asked for.
        asked: Durability,
        /// The levels it can reach.
        allowed: String,
    },
    /// What was read may be lost again: the log has failed.
    #[error(
        "the answer is unknown: it rests on a write that may or may not survive a restart: {reason}"
    )]
    Read {
        /// What went wrong with the log and what helps.
        reason: String,
    },
    /// What was written may be lost again: the log has failed.
    #[error(transparent)]
    Write(JournalError),
}

/// The log positions that an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Basis {
    /// The latest write it acknowledges.
    written: Lsn,
    /// The latest write of others that it may show.
    shown: Lsn,
}

impl Basis {
    /// An answer that acknowledges the write at this position.
    pub(crate) fn of_write(lsn: Lsn) -> Self {
        Self { written: lsn, shown: Lsn::ZERO }
    }

    /// An answer that shows what was written up to this position.
    pub(crate) fn of_read(lsn: Lsn) -> Self {
        Self { written: Lsn::ZERO, shown: lsn }
    }

    /// The answer to one operation: a write that was not applied shows why, as a read would.
    pub(crate) fn of(reply: &Reply, is_read: bool) -> Self {
        if reply.applied && !is_read { Self::of_write(reply.lsn) } else { Self::of_read(reply.lsn) }
    }

    /// The latest write it acknowledges.
    pub(crate) fn written(self) -> Lsn {
        self.written
    }

    /// The basis of both answers together.
    pub(crate) fn and(self, other: Self) -> Self {
        let (written, shown) = (self.written.max(other.written), self.shown.max(other.shown));
        Self { written, shown }
    }

    /// Why an answer cannot be given whose basis may be lost, because the log has failed.
    pub(crate) fn lost(self, failure: JournalError) -> Unkept {
        let reason = match failure {
            JournalError::Unknown { reason } | JournalError::Unavailable { reason } => reason,
            other => other.to_string(),
        };
        if self.written == Lsn::ZERO {
            return Unkept::Read { reason };
        }
        Unkept::Write(JournalError::Unknown { reason })
    }
}

impl Promised {
    /// What the settings promise.
    pub(crate) fn new(persist: &PersistSection) -> Self {
        let fsync = AtomicU8::new(persist.fsync.number());
        Self { is_kept: persist.enabled, read_uncommitted: persist.read_uncommitted, fsync }
    }

    /// When the log is synced.
    pub(crate) fn fsync(&self) -> FsyncMode {
        FsyncMode::from_number(self.fsync.load(Ordering::Acquire))
    }

    /// Promises what this mode does, from now on.
    pub(crate) fn set_fsync(&self, mode: FsyncMode) {
        self.fsync.store(mode.number(), Ordering::Release);
    }

    /// What is promised now.
    pub(crate) fn now(&self) -> Promise {
        let always = self.is_kept && self.fsync() == FsyncMode::Always;
        let default = if always { Durability::Fsync } else { Durability::Memory };
        Promise { default, read_uncommitted: self.read_uncommitted }
    }
}

impl Promise {
    /// The level a write is to reach: the one asked for, or the default when that is higher. Refuses a
    /// level that the store cannot reach, before anything is written.
    pub(crate) fn level(
        self,
        asked: Option<Durability>,
        max: Durability,
    ) -> Result<Durability, Unkept> {
        let level = asked.map_or(self.default, |asked| asked.max(self.default));
        if level > max {
            return Err(Unkept::Level { asked: level, allowed: up_to(max) });
        }
        Ok(level)
    }

    /// What an answer must wait for before it is sent; `None` when nothing.
    ///
    /// Refuses an answer that rests on what may be lost because the log has failed.
    pub(crate) fn waiter(
        self,
        progress: &dyn Progress,
        basis: Basis,
        level: Durability,
    ) -> Result<Option<Waiter>, Unkept> {
        if basis == Basis::default() {
            return Ok(None);
        }
        let (lsn, level) = if self.default == Durability::Fsync && !self.read_uncommitted {
            (basis.written.max(basis.shown), Durability::Fsync)
        } else if basis.written != Lsn::ZERO && progress.is_congested() {
            (basis.written, level.max(Durability::Buffered))
        } else {
            (basis.written, level)
        };
        if progress.reached(level) < lsn {
            return Ok(Some(Waiter::new(lsn, level)));
        }
        let shown = if self.read_uncommitted { Lsn::ZERO } else { basis.shown };
        if progress.reached(Durability::Fsync) < basis.written.max(shown)
            && let Err(failure) = progress.health()
        {
            return Err(basis.lost(failure));
        }
        Ok(None)
    }
}

/// The strongest level that an answer's writes have reached: at least `level`, which they waited for.
pub(crate) fn achieved(progress: &dyn Progress, basis: Basis, level: Durability) -> Durability {
    // A write without a position has left nothing to be kept.
    if basis.written == Lsn::ZERO || level == Durability::Fsync {
        return level;
    }
    let reached = |level: &Durability| progress.reached(*level) >= basis.written;
    LEVELS.into_iter().rev().find(reached).unwrap_or(level).max(level)
}

fn up_to(max: Durability) -> String {
    let names: Vec<String> =
        LEVELS.into_iter().filter(|level| *level <= max).map(|level| level.to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use kv_core::NullJournal;
    use kv_core::testing::ManualJournal;

    use super::*;
    use Durability::{Buffered, Fsync, Memory};

    const INTERVAL: Promise = Promise { default: Memory, read_uncommitted: false };
    const ALWAYS: Promise = Promise { default: Fsync, read_uncommitted: false };
    const UNCOMMITTED: Promise = Promise { default: Fsync, read_uncommitted: true };

    const FIVE: Lsn = Lsn::new(5);

    #[test]
    fn a_level_asked_for_raises_the_default_and_never_lowers_it() {
        for (level, of_interval, of_always) in [
            (None, Memory, Fsync),
            (Some(Memory), Memory, Fsync),
            (Some(Buffered), Buffered, Fsync),
            (Some(Fsync), Fsync, Fsync),
        ] {
            assert_eq!(INTERVAL.level(level, Fsync), Ok(of_interval), "{level:?}");
            assert_eq!(ALWAYS.level(level, Fsync), Ok(of_always), "{level:?}");
        }
    }

    #[test]
    fn what_is_promised_follows_the_mode_where_anything_is_kept() {
        for (enabled, mode, level) in [
            (true, FsyncMode::Always, Fsync),
            (true, FsyncMode::Interval, Memory),
            (true, FsyncMode::Never, Memory),
            (false, FsyncMode::Always, Memory),
        ] {
            let promised = Promised::new(&PersistSection { enabled, ..PersistSection::default() });
            promised.set_fsync(mode);
            assert_eq!(promised.fsync(), mode);
            assert_eq!(promised.now().level(None, Fsync), Ok(level), "{enabled}, {mode:?}");
        }
    }

    #[test]
    fn levels_above_the_store_s_are_refused() {
        for (asked, promise, max, allowed) in [
            (None, INTERVAL, Memory, true),
            (Some(Memory), INTERVAL, Memory, true),
            (Some(Buffered), INTERVAL, Memory, false),
            (Some(Fsync), INTERVAL, Buffered, false),
            (None, ALWAYS, Memory, false),
        ] {
            let level = promise.level(asked, max);
            assert_eq!(level.is_ok(), allowed, "{asked:?} of at most {max}");
        }
        let error = INTERVAL.level(Some(Fsync), Buffered).unwrap_err();
        assert!(error.to_string().contains("allowed are memory, buffered"), "{error}");
    }

    /// Whether an answer has to wait.
    fn waits(promise: Promise, progress: &dyn Progress, basis: Basis, level: Durability) -> bool {
        promise.waiter(progress, basis, level).expect("an answer").is_some()
    }

    #[test]
    fn writes_wait_for_their_level_and_reads_for_what_they_show() {
        let journal = ManualJournal::default();
        let (write, read) = (Basis::of_write(FIVE), Basis::of_read(FIVE));
        assert!(!waits(INTERVAL, &journal, write, Memory));
        assert!(!waits(INTERVAL, &journal, read, Memory));
        assert!(waits(INTERVAL, &journal, write, Buffered));
        assert!(waits(ALWAYS, &journal, write, Fsync));
        assert!(waits(ALWAYS, &journal, read, Fsync));
        assert!(!waits(UNCOMMITTED, &journal, read, Fsync));
        assert!(waits(UNCOMMITTED, &journal, write, Fsync));
        assert!(!waits(ALWAYS, &journal, Basis::of_read(Lsn::ZERO), Fsync));
        journal.advance_to(FIVE, Buffered);
        assert!(!waits(INTERVAL, &journal, write, Buffered));
        assert!(waits(ALWAYS, &journal, write, Fsync));
        journal.advance_to(FIVE, Fsync);
        assert!(!waits(ALWAYS, &journal, write.and(read), Fsync));
        assert!(waits(ALWAYS, &journal, read.and(Basis::of_write(Lsn::new(6))), Fsync));
    }

    #[test]
    fn a_congested_log_makes_writes_wait_until_they_are_buffered() {
        let journal = ManualJournal::default();
        journal.congest(true);
        assert!(waits(INTERVAL, &journal, Basis::of_write(FIVE), Memory));
        assert!(!waits(INTERVAL, &journal, Basis::of_read(FIVE), Memory), "reads add nothing");
        journal.advance_to(FIVE, Buffered);
        assert!(!waits(INTERVAL, &journal, Basis::of_write(FIVE), Memory));
    }

    #[test]
    fn after_a_failure_what_is_not_on_stable_storage_is_unknown() {
        let journal = ManualJournal::default();
        journal.advance_to(FIVE, Fsync);
        journal.fail("EIO");
        let six = Lsn::new(6);
        assert!(!waits(INTERVAL, &journal, Basis::of_read(FIVE), Memory));
        let refused = |promise: Promise, basis| promise.waiter(&journal, basis, Memory).err();
        assert!(matches!(
            refused(INTERVAL, Basis::of_read(six)),
            Some(Unkept::Read { reason }) if reason == "EIO"
        ));
        assert!(matches!(
            refused(INTERVAL, Basis::of_write(six)),
            Some(Unkept::Write(JournalError::Unknown { reason })) if reason == "EIO"
        ));
        assert!(refused(UNCOMMITTED, Basis::of_read(six)).is_none());
    }

    #[test]
    fn the_level_told_is_the_strongest_reached() {
        let journal = ManualJournal::default();
        let write = Basis::of_write(FIVE);
        assert_eq!(achieved(&journal, write, Memory), Memory);
        journal.advance_to(FIVE, Buffered);
        assert_eq!(achieved(&journal, write, Memory), Buffered);
        journal.advance_to(FIVE, Fsync);
        assert_eq!(achieved(&journal, write, Memory), Fsync);
        assert_eq!(achieved(&NullJournal, Basis::of_write(Lsn::ZERO), Memory), Memory);
    }
}

//! Bytes of requests and answers in flight: how many there may be, on one connection and in all (KV-I8).
//!
//! Whoever keeps bytes for a client, because a request is not complete, waits for the log, or its answer is not
//! taken yet, holds them in the [`Account`] of the connection. What a connection holds beyond its first
//! [`FREE_BYTES`] comes out of the [`Budget`] that all share; when that is used up, what would need more is
//! refused, and small requests go on.
//!
//! ```text
//! Budget (limits.requests_bytes_max) ◄── Account (limits.connection_bytes_max) ◄── Held, one per request
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::interval;

/// Bytes that every connection may hold whatever the others do. So a connection with small requests neither
/// writes to a counter that all share nor suffers from those with large ones.
pub(crate) const FREE_BYTES: u64 = 16 << 10;

/// The bytes that all connections together may hold beyond what is free.
#[derive(Debug)]
pub(crate) struct Budget {
    all_max: u64,
    connection_max: u64,
    /// Below zero for a moment when what one takes back is seen before what another has added.
    held: AtomicI64,
}

/// The bytes that one connection holds.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Arc<Budget>,
    held: AtomicU64,
    /// How often that has changed: whoever takes answers changes it.
    changes: AtomicU64,
}

/// Bytes that are held until this is dropped. Shared by those who hold parts of one request.
pub(crate) struct Held {
    account: Arc<Account>,
    bytes: AtomicU64,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is in flight{}: {limit} = {max} bytes; try again later", of(.limit))]
pub(crate) struct Overload {
    /// The limit that was reached.
    limit: &'static str,
    max: u64,
}

const ALL: &str = "limits.requests_bytes_max";
const CONNECTION: &str = "limits.connection_bytes_max";

fn of(limit: &str) -> &'static str {
    if limit == CONNECTION { " on this connection" } else { "" }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Budget {
    /// So many bytes for all, and for each.
    pub(crate) fn new(all_max: u64, connection_max: u64) -> Self {
        Self { all_max, connection_max, held: AtomicI64::new(0) }
    }

    /// The account of a new connection.
    pub(crate) fn account(self: &Arc<Self>) -> Arc<Account> {
        Arc::new(Account {
            budget: Arc::clone(self),
            held: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        })
    }

    /// Counts bytes that are held or let go, and tells how many are held then.
    fn change(&self, bytes: i64) -> u64 {
        positive(self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes))
    }

    /// How many bytes are held, beyond what is free, and how many may be.
    pub(crate) fn level(&self) -> (u64, u64) {
        (positive(self.held.load(Ordering::Relaxed)), self.all_max)
    }
}

impl Account {
    /// Begins to hold, with nothing.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { account: Arc::clone(self), bytes: AtomicU64::new(0) }
    }

    /// Waits until the connection holds what others could use, and has for `span` neither got nor let go of
    /// anything: its client takes no answers.
    pub(crate) async fn stalled(&self, span: Duration) {
        let mut looks = interval(span);
        looks.tick().await;
        loop {
            let before = self.changes.load(Ordering::Relaxed);
            looks.tick().await;
            let is_same = self.changes.load(Ordering::Relaxed) == before;
            if is_same && beyond_free(self.held.load(Ordering::Relaxed)) > 0 {
                return;
            }
        }
    }

    /// Counts first and looks then: what all hold is at every moment the sum over the accounts, whatever else
    /// is added and taken meanwhile.
    fn add(&self, bytes: u64) -> Result<(), Overload> {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        let shared = beyond_free(before + bytes) - beyond_free(before);
        let all = if shared > 0 { self.budget.change(signed(shared)) } else { 0 };
        let Budget { all_max, connection_max, .. } = *self.budget;
        if before + bytes > connection_max {
            self.remove(bytes);
            return Err(Overload { limit: CONNECTION, max: connection_max });
        }
        if all > all_max {
            self.remove(bytes);
            return Err(Overload { limit: ALL, max: all_max });
        }
        Ok(())
    }

    fn remove(&self, bytes: u64) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let before = self.held.fetch_sub(bytes, Ordering::Relaxed);
        let shared = beyond_free(before) - beyond_free(before - bytes);
        if shared > 0 {
            self.budget.change(-signed(shared));
        }
    }
}

impl Held {
    /// Holds more.
    ///
    /// # Errors
    /// [`Overload`] when there is no room; as much is held as before.
    pub(crate) fn add(&self, bytes: u64) -> Result<(), Overload> {
        if bytes > 0 {
            self.account.add(bytes)?;
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Holds less: what was added before.
    pub(crate) fn remove(&self, bytes: u64) {
        if bytes > 0 {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.account.remove(bytes);
        }
    }

    /// Holds nothing any more.
    pub(crate) fn clear(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.account.remove(bytes);
        }
    }

    /// Holds so much.
    ///
    /// # Errors
    /// [`Overload`] when that is more and there is no room; as much is held as before.
    pub(crate) fn set(&mut self, bytes: u64) -> Result<(), Overload> {
        let before = *self.bytes.get_mut();
        self.remove(before.saturating_sub(bytes));
        self.add(bytes.saturating_sub(before))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Nobody has 2^63 bytes.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn positive(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

fn beyond_free(bytes: u64) -> u64 {
    bytes.saturating_sub(FREE_BYTES)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const ALL_MAX: u64 = 100;
    const CONNECTION_MAX: u64 = FREE_BYTES + 60;

    fn budget() -> Arc<Budget> {
        Arc::new(Budget::new(ALL_MAX, CONNECTION_MAX))
    }

    #[test]
    fn a_connection_may_hold_to_the_last_byte_of_its_limit() {
        let budget = budget();
        let account = budget.account();
        let held = account.hold();
        held.add(CONNECTION_MAX).unwrap();
        let error = account.hold().add(1).unwrap_err();
        assert!(error.to_string().contains("on this connection"), "{error}");
        assert!(error.to_string().contains(CONNECTION), "{error}");
        assert_eq!(budget.level(), (60, ALL_MAX));
        drop(held);
        assert_eq!(budget.level(), (0, ALL_MAX));
        assert_eq!(account.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn all_may_hold_to_the_last_byte_and_what_is_free_is_free() {
        let budget = budget();
        let (first, second, third) = (budget.account(), budget.account(), budget.account());
        let (large, larger, small) = (first.hold(), second.hold(), third.hold());
        large.add(FREE_BYTES + 60).unwrap();
        larger.add(FREE_BYTES + 40).unwrap();
        assert_eq!(budget.level(), (100, ALL_MAX));
        let error = larger.add(1).unwrap_err();
        assert!(error.to_string().contains(ALL), "{error}");
        small.add(FREE_BYTES).expect("free");
        small.add(1).unwrap_err();
        large.remove(1);
        small.add(1).expect("there is room again");
        drop((large, larger, small));
        assert_eq!(budget.level(), (0, ALL_MAX));
    }

    #[test]
    fn what_is_held_can_be_set() {
        let budget = budget();
        let mut held = budget.account().hold();
        held.set(FREE_BYTES + 50).unwrap();
        held.set(FREE_BYTES + 70).unwrap_err();
        assert_eq!(budget.level().0, 50, "as much is held as before");
        held.set(FREE_BYTES + 10).unwrap();
        assert_eq!(budget.level().0, 10);
        held.set(0).unwrap();
        assert_eq!(budget.level().0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_holds_much_and_takes_nothing_has_stalled() {
        let (span, budget) = (Duration::from_mins(1), budget());
        let account = budget.account();
        let has_stalled =
            async || tokio::time::timeout(3 * span, account.stalled(span)).await.is_ok();
        let held = account.hold();
        held.add(FREE_BYTES).unwrap();
        assert!(!has_stalled().await, "what is free is of no use to others");
        held.add(1).unwrap();
        assert!(has_stalled().await);
        let busy = async {
            let mut often = interval(span / 2);
            loop {
                often.tick().await;
                held.add(1).unwrap();
                held.remove(1);
            }
        };
        tokio::select! {
            stalled = has_stalled() => assert!(!stalled, "it takes answers"),
            () = busy => {}
        }
    }

    #[test]
    fn nothing_is_lost_or_left_when_many_hold_at_once() {
        let budget = Arc::new(Budget::new(50_000, 3 * FREE_BYTES));
        let account = budget.account();
        let refused = AtomicU64::new(0);
        thread::scope(|scope| {
            for seed in 0..4 {
                let (own, account, refused) = (budget.account(), &account, &refused);
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed);
                    for _ in 0..20_000 {
                        let account = if random.bool() { &own } else { account };
                        let held = account.hold();
                        for _ in 0..random.usize(..4) {
                            let added = held.add(random.u64(..2 * FREE_BYTES));
                            refused.fetch_add(u64::from(added.is_err()), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert!(refused.into_inner() > 0, "the limits were reached");
        assert_eq!(budget.level().0, 0);
        assert_eq!(account.held.load(Ordering::Relaxed), 0);
    }
}

//! The switch from serving to draining, which every part of the server can see and wait for; and how a client
//! asks for it.

use tokio::sync::watch;

/// Turns the switch. Dropping it turns it too.
#[derive(Debug)]
pub(crate) struct DrainSwitch(watch::Sender<bool>);

/// Sees whether the server drains: takes no new work and finishes what is in flight.
#[derive(Debug, Clone)]
pub(crate) struct Drain(watch::Receiver<bool>);

/// A switch, and what sees it.
pub(crate) fn drain_switch() -> (DrainSwitch, Drain) {
    let (sender, receiver) = watch::channel(false);
    (DrainSwitch(sender), Drain(receiver))
}

impl DrainSwitch {
    /// Starts draining; there is no way back.
    pub(crate) fn turn(&self) {
        self.0.send_replace(true);
    }
}

impl Drop for DrainSwitch {
    fn drop(&mut self) {
        self.turn();
    }
}

impl Drain {
    /// Whether the server drains.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the server drains.
    pub(crate) async fn begun(&mut self) {
        // An error says that the switch is gone, and with it the server.
        if self.0.wait_for(|drains| *drains).await.is_err() {}
    }
}

/// Whether a stopping server takes a snapshot of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FinalSnapshot {
    /// As `persist.snapshot_on_shutdown` says.
    #[default]
    Configured,
    /// Yes.
    Wanted,
    /// No: the next start replays the log.
    Unwanted,
}

impl FinalSnapshot {
    /// Whether one is taken, where the configuration says so or not.
    pub const fn is_wanted(self, configured: bool) -> bool {
        match self {
            Self::Configured => configured,
            Self::Wanted => true,
            Self::Unwanted => false,
        }
    }
}

/// Where a client asks for the server to stop, as a signal does.
#[derive(Debug)]
pub(crate) struct StopRequests(watch::Sender<Option<FinalSnapshot>>);

impl Default for StopRequests {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl StopRequests {
    /// Asks; the first one counts.
    pub(crate) fn ask(&self, snapshot: FinalSnapshot) {
        self.0.send_if_modified(|asked| {
            let is_first = asked.is_none();
            asked.get_or_insert(snapshot);
            is_first
        });
    }

    /// Waits until somebody asks.
    pub(crate) async fn asked(&self) -> FinalSnapshot {
        let mut requests = self.0.subscribe();
        // The sender is held by `self`, so that there is no error, and what is waited for is there.
        match requests.wait_for(Option::is_some).await {
            Ok(asked) => asked.unwrap_or_default(),
            Err(_gone) => FinalSnapshot::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_first_who_asks_says_what_is_kept() {
        let requests = StopRequests::default();
        assert_eq!(requests.asked().now_or_never(), None);
        requests.ask(FinalSnapshot::Unwanted);
        requests.ask(FinalSnapshot::Wanted);
        assert_eq!(requests.asked().now_or_never(), Some(FinalSnapshot::Unwanted));
        assert!(!FinalSnapshot::Unwanted.is_wanted(true) && FinalSnapshot::Wanted.is_wanted(false));
        assert!(FinalSnapshot::Configured.is_wanted(true));
        assert!(!FinalSnapshot::Configured.is_wanted(false));
    }
}

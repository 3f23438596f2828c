//! The switch from serving to draining, which every part of the server can see and wait for.

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

//! What is known of a connection's client: its settings, as far as commands change them.

use kv_core::Lsn;
use kv_resp::Version;

use super::clients::{Label, Registered};

/// A client's settings.
#[derive(Debug)]
pub(crate) struct Client {
    /// What others see of it, its number among that.
    pub(crate) record: Registered,
    /// The version of the protocol it is answered in.
    pub(crate) version: Version,
    /// Which answers it wants.
    pub(crate) replies: Replies,
    /// The latest write it made.
    pub(crate) written: Lsn,
}

/// Which answers a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Replies {
    /// All.
    #[default]
    On,
    /// None, until it says otherwise.
    Off,
    /// All but that to the next command.
    SkipNext,
    /// All but that to the command at hand.
    Skip,
}

impl Client {
    pub(crate) fn new(record: Registered) -> Self {
        let (version, replies) = (Version::default(), Replies::default());
        Self { record, version, replies, written: Lsn::ZERO }
    }

    /// Forgets what the client has set; its number, its library and what it wrote stay.
    pub(crate) fn reset(&mut self) {
        self.version = Version::default();
        // As in Redis, what was said of this very command holds.
        if self.replies != Replies::Skip {
            self.replies = Replies::default();
        }
        self.record.set_label(Label::Name, "");
        self.record.tell(|seen| (seen.no_touch, seen.no_evict) = (false, false));
    }
}

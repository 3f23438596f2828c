//! What is known of a connection's client: its settings, as far as commands change them.

use kv_core::Lsn;
use kv_resp::Version;

/// A client's settings.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its number, which no other client of this server ever had.
    pub(crate) id: u64,
    /// The version of the protocol it is answered in.
    pub(crate) version: Version,
    /// The name it gave itself.
    pub(crate) name: Option<Box<[u8]>>,
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
}

impl Client {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            version: Version::default(),
            name: None,
            replies: Replies::On,
            written: Lsn::ZERO,
        }
    }

    /// Takes a name; an empty one is none.
    pub(crate) fn set_name(&mut self, name: &[u8]) {
        self.name = (!name.is_empty()).then(|| name.into());
    }

    /// Forgets what the client has set; its number and what it wrote stay.
    pub(crate) fn reset(&mut self) {
        *self = Self { written: self.written, ..Self::new(self.id) };
    }
}

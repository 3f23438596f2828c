//! The versions of the protocol that a connection can speak.

/// What a reply looks like on the wire. Requests are the same in both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// What every connection begins with.
    #[default]
    Resp2,
    /// With maps, sets, doubles and the like; what `HELLO 3` asks for.
    Resp3,
}

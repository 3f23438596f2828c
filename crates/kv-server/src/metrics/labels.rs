//! The labels of the hot metrics: small fixed sets, each value with its place in an array and its name.

/// A fixed set of label values.
pub(crate) trait Label: Copy + 'static {
    /// Every value, in the order of their places.
    const ALL: &'static [Self];

    /// The place of this value.
    fn place(self) -> usize;

    /// The value as Prometheus sees it.
    fn name(self) -> &'static str;
}

/// Declares a set of label values, each with its name.
macro_rules! labels {
    ($(#[$doc:meta])* $set:ident { $($(#[$value_doc:meta])* $value:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $set {
            $($(#[$value_doc])* $value,)+
        }

        impl $set {
            /// How many values there are.
            pub(crate) const COUNT: usize = [$($name),+].len();
        }

        impl Label for $set {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn place(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }
    };
}

labels! {
    /// Whom a listener speaks with.
    Protocol {
        /// gRPC, with health and reflection.
        Grpc = "grpc",
        /// The HTTP API.
        Http = "http",
        /// Redis's protocol.
        Resp = "resp",
    }
}

labels! {
    /// What a request asks for. Each protocol says which of its calls is which; what is rare shares a name.
    Operation {
        /// Reads a value or a part of it.
        Get = "get",
        /// Writes a value or a part of it.
        Set = "set",
        /// Removes keys.
        Delete = "delete",
        /// Tells whether keys exist, and touches them.
        Exists = "exists",
        /// Tells what is known of a key beside its value: type, length, expiry.
        Inspect = "inspect",
        /// Adds to a number.
        Increment = "increment",
        /// Adds to the end of a value.
        Append = "append",
        /// Sets or changes an expiry.
        Expire = "expire",
        /// Removes an expiry.
        Persist = "persist",
        /// Gives a key another name, or its value to another key.
        Rename = "rename",
        /// Lists keys, a page at a time.
        Scan = "scan",
        /// Reads several keys.
        BatchRead = "batch_read",
        /// Writes several keys, or reads and writes.
        BatchWrite = "batch_write",
        /// One batch of a stream of batches.
        Pipeline = "pipeline",
        /// Concerns the connection itself: greetings, names, signs of life.
        Session = "session",
        /// Concerns the server: statistics, settings, snapshots, flushes.
        Admin = "admin",
        /// Anything else, such as what is not known.
        Other = "other",
    }
}

labels! {
    /// Where the time of a slow request went.
    Phase {
        /// Others had their turn.
        Queue = "queue",
        /// It waited for locks of shards.
        Lock = "lock",
        /// It was executed.
        Execution = "execution",
        /// Its answer waited for the log.
        Log = "log",
        /// Its answer waited for the client.
        Reply = "reply",
    }
}

labels! {
    /// Why requests end without what they asked for, by what the caller can do next.
    ErrorKind {
        /// Send a different request: this one can never succeed.
        Invalid = "invalid",
        /// It does not fit what the key holds now.
        State = "state",
        /// There is no room: memory, disk, or a limit on what may be in flight.
        Exhausted = "exhausted",
        /// Not now: loading, draining, or the log has failed.
        Unavailable = "unavailable",
        /// It may have been done or not: look before trying again.
        Unknown = "unknown",
        /// It took too long.
        Timeout = "timeout",
        /// This server has no such request.
        Unsupported = "unsupported",
        /// Not what the protocol allows; the connection ends.
        Malformed = "malformed",
        /// A fault of the server.
        Internal = "internal",
    }
}

impl Protocol {
    /// The one of this name; `None` when it is not counted.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.name() == name)
    }
}

impl From<kv_core::ErrorKind> for ErrorKind {
    fn from(kind: kv_core::ErrorKind) -> Self {
        match kind {
            kv_core::ErrorKind::Invalid => Self::Invalid,
            kv_core::ErrorKind::State => Self::State,
            kv_core::ErrorKind::Exhausted => Self::Exhausted,
            kv_core::ErrorKind::Unavailable => Self::Unavailable,
            kv_core::ErrorKind::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check<L: Label>(count: usize) {
        assert_eq!(L::ALL.len(), count);
        let names: BTreeSet<&str> = L::ALL.iter().map(|value| value.name()).collect();
        assert_eq!(names.len(), count, "names differ");
        for (place, value) in L::ALL.iter().enumerate() {
            assert_eq!(value.place(), place);
            let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(value.name().chars().all(is_plain), "{} needs escaping", value.name());
        }
    }

    #[test]
    fn every_value_has_its_place_and_a_plain_name() {
        check::<Protocol>(Protocol::COUNT);
        check::<Operation>(Operation::COUNT);
        check::<ErrorKind>(ErrorKind::COUNT);
        check::<Phase>(Phase::COUNT);
    }
}

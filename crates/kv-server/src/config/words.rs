//! The textual settings: addresses, paths and names.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kv_core::eviction::PolicyKind;
use tracing_subscriber::EnvFilter;

use super::setting::{Setting, quote};

/// Where a listener listens, or that it is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddr(pub(super) Option<SocketAddr>);

impl ListenAddr {
    /// The address; `None` when the listener is off.
    pub const fn get(self) -> Option<SocketAddr> {
        self.0
    }
}

impl Setting for ListenAddr {
    fn allowed() -> String {
        "IP:PORT, such as 127.0.0.1:7380, 0.0.0.0:7380 or [::1]:7380 (port 0 takes a free one), or \
         empty to turn the listener off"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(None));
        }
        text.parse().ok().map(|addr| Self(Some(addr)))
    }

    fn to_toml(&self) -> String {
        quote(&self.0.map(|addr| addr.to_string()).unwrap_or_default())
    }
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory(pub(super) PathBuf);

impl Directory {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Setting for Directory {
    fn allowed() -> String {
        "a path that is not empty".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| Self(text.into()))
    }

    fn to_toml(&self) -> String {
        quote(&self.0.to_string_lossy())
    }
}

impl Setting for PolicyKind {
    fn allowed() -> String {
        format!("one of {}", Self::ALL.map(Self::name).join(", "))
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_toml(&self) -> String {
        quote(self.name())
    }
}

impl Setting for bool {
    fn allowed() -> String {
        "true or false".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_toml(&self) -> String {
        self.to_string()
    }
}

/// Which log lines are written: a level, or an `EnvFilter` directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(pub(super) String);

/// The levels of a log.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl LogFilter {
    /// The directive.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    fn allowed() -> String {
        format!("one of {}, or target=level pairs such as info,kv_server=debug", LEVELS.join(", "))
    }

    /// Stricter than `EnvFilter`, which takes a misspelt level for the name of a target, and then logs
    /// nothing else.
    fn parse(text: &str) -> Option<Self> {
        let known = |part: &str| part.contains('=') || LEVELS.contains(&part.trim());
        (text.split(',').all(known) && EnvFilter::try_new(text).is_ok())
            .then(|| Self(text.to_owned()))
    }

    fn to_toml(&self) -> String {
        quote(&self.0)
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Setting for LogFormat {
    fn allowed() -> String {
        "text or json".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn to_toml(&self) -> String {
        quote(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::check;
    use super::*;

    #[test]
    fn addresses_are_an_ip_and_a_port_or_empty() {
        check::<ListenAddr>(
            &[("127.0.0.1:0", "\"127.0.0.1:0\""), ("[::1]:7380", "\"[::1]:7380\""), ("", "\"\"")],
            &["7380", ":7380", "127.0.0.1", "127.0.0.1:65536", "example.org:1", " "],
        );
    }

    #[test]
    fn directories_are_not_empty() {
        check::<Directory>(&[("./kv-data", "\"./kv-data\"")], &["", "a\0b"]);
    }

    #[test]
    fn policies_are_known_by_name() {
        check::<PolicyKind>(
            &[("lru", "\"lru\""), ("s3fifo", "\"s3fifo\""), ("none", "\"none\"")],
            &["", "LRU", "arc"],
        );
    }

    #[test]
    fn switches_are_true_or_false() {
        check::<bool>(&[("true", "true"), ("false", "false")], &["", "yes", "1", "True"]);
    }

    #[test]
    fn log_filters_refuse_misspelt_levels() {
        check::<LogFilter>(
            &[("info", "\"info\""), ("warn,kv_server=debug", "\"warn,kv_server=debug\"")],
            &["", "inof", "kv_server", "kv_server=loud", "info,,"],
        );
    }

    #[test]
    fn log_formats_are_text_and_json() {
        check::<LogFormat>(&[("text", "\"text\""), ("json", "\"json\"")], &["", "xml"]);
    }
}

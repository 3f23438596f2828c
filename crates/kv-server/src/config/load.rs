//! Makes a configuration from its sources, or names everything that is wrong with them.

use super::error::{ConfigError, Problem, Source};
use super::layers::{Given, Layers, Sources, gather};
use super::setting::Setting;
use super::{Config, LimitsSection, ServerSection, Size, Visitor};

/// Bytes a message needs beside its longest key: see `limits.key_bytes_max`.
const MESSAGE_ROOM_BYTES: u64 = 1 << 10;

/// Bytes a request needs beside its longest value: its key, and what comes behind it.
const REQUEST_ROOM_BYTES: u64 = 1 << 20;

impl Config {
    /// Lays the sources over the defaults: file, then environment, then flags.
    ///
    /// # Errors
    /// [`ConfigError`], for an unknown key, a value that is not allowed or values that contradict each
    /// other; it lists all of them.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        Self::default().overlaid(gather(sources)?)
    }

    /// Sets one key from text, as `--set` does.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]; the configuration is then unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let given = Given { text: Some(value.to_owned()), source: Source::Program };
        *self = self.clone().overlaid(Layers::from([(key.to_owned(), given)]))?;
        Ok(())
    }

    fn overlaid(mut self, layers: Layers) -> Result<Self, ConfigError> {
        let mut overlay = Overlay { layers, keys: Vec::new(), problems: Vec::new() };
        self.visit(&mut overlay);
        let mut problems = overlay.finish();
        if problems.is_empty() {
            problems = self.conflicts();
        }
        if problems.is_empty() { Ok(self) } else { Err(ConfigError::Invalid(problems)) }
    }

    /// Values that are allowed each, and contradict each other.
    fn conflicts(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let ServerSection { resp_addr, grpc_addr, http_addr, .. } = self.server;
        if [resp_addr, grpc_addr, http_addr].iter().all(|addr| addr.get().is_none()) {
            problems.push(Problem {
                key: "server.grpc_addr".to_owned(),
                given: None,
                message:
                    "every listener for clients is off: set an address, such as 127.0.0.1:7380, \
                          here or in server.resp_addr or server.http_addr"
                        .to_owned(),
            });
        }
        let LimitsSection { key_bytes_max, value_bytes_max, message_bytes_max, .. } = &self.limits;
        let (connection, all) =
            (&self.limits.connection_bytes_max, &self.limits.requests_bytes_max);
        let message = Bound::new("limits.message_bytes_max", *message_bytes_max);
        let connection = Bound::new("limits.connection_bytes_max", *connection);
        problems.extend(
            [
                Bound::new("limits.key_bytes_max", *key_bytes_max)
                    .fits(MESSAGE_ROOM_BYTES, &message),
                message.fits(0, &connection),
                Bound::new("limits.value_bytes_max", *value_bytes_max)
                    .fits(REQUEST_ROOM_BYTES, &connection),
                connection.fits(0, &Bound::new("limits.requests_bytes_max", *all)),
            ]
            .into_iter()
            .flatten(),
        );
        problems
    }
}

/// A limit in bytes.
struct Bound {
    key: &'static str,
    bytes: u64,
    text: String,
}

impl Bound {
    fn new<const MIN: u64, const MAX: u64>(key: &'static str, size: Size<MIN, MAX>) -> Self {
        let text = size.to_toml().trim_matches('"').to_owned();
        Self { key, bytes: size.get(), text }
    }

    /// What is wrong when this and `room` bytes more do not fit in `other`.
    fn fits(&self, room: u64, other: &Self) -> Option<Problem> {
        if self.bytes.saturating_add(room) <= other.bytes {
            return None;
        }
        let more = if room == 0 { String::new() } else { format!(" with {room} bytes more") };
        let (Self { text, .. }, Self { key, text: limit, .. }) = (self, other);
        let message = format!("{text} does not fit in {key} = {limit}: it must{more}");
        Some(Problem { key: self.key.to_owned(), given: None, message })
    }
}

/// Takes what the layers give into the configuration it visits.
struct Overlay {
    layers: Layers,
    keys: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl Visitor for Overlay {
    fn setting<T: Setting>(&mut self, key: &'static str, value: &mut T) {
        self.keys.push(key);
        let Some(Given { text, source }) = self.layers.remove(key) else {
            return;
        };
        match text.as_deref().and_then(T::parse) {
            Some(parsed) => *value = parsed,
            None => self.problems.push(Problem {
                key: key.to_owned(),
                given: Some((text.unwrap_or_else(|| "[...]".to_owned()), source)),
                message: format!("must be {}", T::allowed()),
            }),
        }
    }
}

impl Overlay {
    /// What no key took is unknown.
    fn finish(mut self) -> Vec<Problem> {
        for (key, Given { text, source }) in self.layers {
            let message = unknown(&key, &self.keys);
            let given = Some((text.unwrap_or_else(|| "[...]".to_owned()), source));
            self.problems.push(Problem { key, given, message });
        }
        self.problems
    }
}

fn unknown(key: &str, keys: &[&str]) -> String {
    let of_section = |section: &str| {
        let inner = |known: &&&str| known.strip_prefix(section).is_some_and(|k| k.starts_with('.'));
        keys.iter().filter(inner).copied().collect::<Vec<_>>()
    };
    let inner = of_section(key);
    if !inner.is_empty() {
        return format!("is a section, not a key: set one of {}", inner.join(", "));
    }
    let siblings = key.split_once('.').map(|(section, _)| of_section(section)).unwrap_or_default();
    let known = if siblings.is_empty() { keys } else { siblings.as_slice() };
    format!("unknown key; known are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_fills_a_message_is_refused_and_one_byte_less_is_not() {
        let mut config = Config::default();
        config.set("limits.message_bytes_max", "66560").unwrap();
        let error = config.set("limits.message_bytes_max", "66559").unwrap_err().to_string();
        assert!(error.contains("limits.key_bytes_max"), "{error}");
        assert_eq!(config.limits.message_bytes_max.get(), 66560, "unchanged");
    }
}

//! Settings of a client, and how its connections are made.

use std::time::Duration;

use http::uri::Authority;
use tokio::runtime::Handle;

use crate::client::Client;
use crate::limits::{
    ADDRESS_DEFAULT, ADDRESSES_MAX, CONNECT_TIMEOUT_DEFAULT, CONNECTIONS_MAX,
    MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_MAX, REQUEST_TIMEOUT_DEFAULT,
};
use crate::pool::{Pool, Route, Target};
use crate::transport::{Channel, TransportError};
use crate::{ConfigError, Error, RetryPolicy, address, status};

/// Settings of a client. Every setting has a default that suits one server on this machine.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it connects"]
pub struct ClientBuilder {
    addresses: Vec<String>,
    connections: usize,
    connect_timeout: Duration,
    request_timeout: Duration,
    retry: RetryPolicy,
    message_bytes_max: usize,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            connections: 1,
            connect_timeout: CONNECT_TIMEOUT_DEFAULT,
            request_timeout: REQUEST_TIMEOUT_DEFAULT,
            retry: RetryPolicy::default(),
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
        }
    }
}

impl ClientBuilder {
    /// Adds the address of a server: `http://host:port`, where the scheme and the port (7380) may be
    /// left out. Without any, the client talks to `http://127.0.0.1:7380`.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Adds several addresses, all of the same store. Calls take turns; retries go to the next.
    pub fn addresses<A: Into<String>>(mut self, addresses: impl IntoIterator<Item = A>) -> Self {
        self.addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// HTTP/2 connections per address; calls take turns. More than one helps when one core cannot
    /// fill or empty a connection fast enough.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long opening one connection may take.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one call may take, all attempts and pauses included; on streams, how long the next
    /// page or answer may take.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// When failed calls are repeated.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Largest message to send or accept, in bytes.
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// Makes the client and opens one connection to make sure that a server is there. The other
    /// connections open when they are first used.
    ///
    /// # Errors
    /// A setting is wrong, or no address can be reached.
    pub async fn connect(self) -> Result<Client, Error> {
        let (servers, runtime) = self.check()?;
        let client = self.client(&servers, &runtime);
        let mut failure = None;
        // The targets begin with one for each address.
        for (nth, _server) in (0..).zip(&servers) {
            let target = client.pool().target(Route::FIRST, nth);
            match target.connect().await {
                Ok(()) => return Ok(client),
                Err(error) => failure = Some(unreachable(target, error)),
            }
        }
        Err(failure.unwrap_or_else(|| ConfigError::Addresses { given: 0 }.into()))
    }

    /// Makes the client without waiting for a server: connections open when they are first used.
    ///
    /// # Errors
    /// A setting is wrong, or there is no Tokio runtime.
    pub fn connect_lazy(self) -> Result<Client, ConfigError> {
        let (servers, runtime) = self.check()?;
        Ok(self.client(&servers, &runtime))
    }

    /// Checks all settings; reads the addresses and finds the runtime that connections live in.
    fn check(&self) -> Result<(Vec<Authority>, Handle), ConfigError> {
        if self.addresses.len() > ADDRESSES_MAX {
            return Err(ConfigError::Addresses { given: self.addresses.len() });
        }
        if self.connections == 0 || self.connections > CONNECTIONS_MAX {
            return Err(ConfigError::Connections { given: self.connections });
        }
        for (name, timeout) in
            [("connect_timeout", self.connect_timeout), ("request_timeout", self.request_timeout)]
        {
            if timeout.is_zero() {
                return Err(ConfigError::Timeout { name });
            }
        }
        if self.message_bytes_max == 0 || self.message_bytes_max > MESSAGE_BYTES_MAX {
            return Err(ConfigError::MessageBytes { given: self.message_bytes_max });
        }
        self.retry.check()?;
        let servers = self.servers()?;
        let runtime = Handle::try_current().map_err(|_no_runtime| ConfigError::NoRuntime)?;
        Ok((servers, runtime))
    }

    fn servers(&self) -> Result<Vec<Authority>, ConfigError> {
        let default = [ADDRESS_DEFAULT.to_owned()];
        let addresses = if self.addresses.is_empty() { &default[..] } else { &self.addresses };
        addresses.iter().map(|given| address::parse(given)).collect()
    }

    /// Puts the pool together.
    fn client(&self, servers: &[Authority], runtime: &Handle) -> Client {
        let mut targets = Vec::with_capacity(servers.len() * self.connections);
        for _connection in 0..self.connections {
            for (index, server) in servers.iter().enumerate() {
                let channel = Channel::new(server.clone(), self.connect_timeout, runtime.clone());
                let address = format!("http://{server}").into();
                targets.push(Target::new(address, index, channel, self.message_bytes_max));
            }
        }
        let pool = Pool::new(targets, servers.len());
        Client::new(pool, self.retry, self.request_timeout, self.message_bytes_max)
    }
}

fn unreachable(target: &Target, error: TransportError) -> Error {
    Error::Unreachable {
        address: target.address.to_string(),
        message: status::root_cause(&error),
        source: Some(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ATTEMPTS_MAX;

    fn check(builder: ClientBuilder, expected: impl Into<Option<ConfigError>>) {
        assert_eq!(builder.connect_lazy().err(), expected.into());
    }

    #[tokio::test]
    async fn settings_are_bounded() {
        let builder = ClientBuilder::default;
        check(builder(), None);
        let many = |count: usize| builder().addresses(vec!["a:1"; count]);
        check(many(ADDRESSES_MAX), None);
        check(many(ADDRESSES_MAX + 1), ConfigError::Addresses { given: ADDRESSES_MAX + 1 });
        check(builder().connections(CONNECTIONS_MAX), None);
        for given in [0, CONNECTIONS_MAX + 1] {
            check(builder().connections(given), ConfigError::Connections { given });
        }
        check(builder().message_bytes_max(MESSAGE_BYTES_MAX), None);
        for given in [0, MESSAGE_BYTES_MAX + 1] {
            check(builder().message_bytes_max(given), ConfigError::MessageBytes { given });
        }
        let name = "request_timeout";
        check(builder().request_timeout(Duration::ZERO), ConfigError::Timeout { name });
        let name = "connect_timeout";
        check(builder().connect_timeout(Duration::ZERO), ConfigError::Timeout { name });
        let policy = RetryPolicy { attempts_max: ATTEMPTS_MAX + 1, ..RetryPolicy::default() };
        let given = ATTEMPTS_MAX + 1;
        check(builder().retry(policy), ConfigError::Attempts { given });
    }

    #[tokio::test]
    async fn every_address_is_checked() {
        let error = ClientBuilder::default().addresses(["a:1", "ftp://b"]).connect_lazy();
        let message = error.unwrap_err().to_string();
        assert!(message.contains("ftp://b") && message.contains("must be http"), "{message}");
    }

    #[test]
    fn a_client_outside_of_a_runtime_is_refused_and_does_not_panic() {
        check(ClientBuilder::default(), ConfigError::NoRuntime);
    }
}

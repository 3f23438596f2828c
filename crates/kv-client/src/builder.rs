//! Settings of a client, and how its connections are made.

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::client::Client;
use crate::limits::{
    ADDRESS_DEFAULT, ADDRESSES_MAX, CONNECT_TIMEOUT_DEFAULT, CONNECTION_QUEUE_MAX,
    CONNECTION_WINDOW_BYTES, CONNECTIONS_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT,
    MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_MAX, REQUEST_TIMEOUT_DEFAULT, STREAM_WINDOW_BYTES,
};
use crate::pool::{Pool, Target};
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
        let endpoints = self.check()?;
        let mut failure = None;
        for (index, endpoint) in endpoints.iter().enumerate() {
            match endpoint.connect().await {
                Ok(channel) => return Ok(self.client(&endpoints, Some((index, channel)))),
                Err(error) => failure = Some(unreachable(endpoint, error)),
            }
        }
        Err(failure.unwrap_or_else(|| ConfigError::Addresses { given: 0 }.into()))
    }

    /// Makes the client without waiting for a server: connections open when they are first used.
    ///
    /// # Errors
    /// A setting is wrong, or there is no Tokio runtime.
    pub fn connect_lazy(self) -> Result<Client, ConfigError> {
        Ok(self.client(&self.check()?, None))
    }

    /// Checks all settings; the endpoints are what the addresses become.
    fn check(&self) -> Result<Vec<Endpoint>, ConfigError> {
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
        let endpoints = self.endpoints()?;
        // Tonic's channels spawn their worker when they are made, and panic where they cannot.
        tokio::runtime::Handle::try_current().map_err(|_no_runtime| ConfigError::NoRuntime)?;
        Ok(endpoints)
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, ConfigError> {
        let default = [ADDRESS_DEFAULT.to_owned()];
        let addresses = if self.addresses.is_empty() { &default[..] } else { &self.addresses };
        addresses.iter().map(|given| Ok(self.endpoint(address::parse(given)?))).collect()
    }

    fn endpoint(&self, uri: tonic::codegen::http::Uri) -> Endpoint {
        Endpoint::from(uri)
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(KEEPALIVE_INTERVAL))
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .buffer_size(CONNECTION_QUEUE_MAX)
    }

    /// Puts the pool together; `opened` is the first connection of an address if there is one yet.
    fn client(&self, endpoints: &[Endpoint], mut opened: Option<(usize, Channel)>) -> Client {
        let mut targets = Vec::with_capacity(endpoints.len() * self.connections);
        for _connection in 0..self.connections {
            for (index, endpoint) in endpoints.iter().enumerate() {
                let channel = opened
                    .take_if(|(opened, _)| *opened == index)
                    .map_or_else(|| endpoint.connect_lazy(), |(_, channel)| channel);
                let address = Arc::from(display(endpoint));
                targets.push(Target::new(address, index, channel, self.message_bytes_max));
            }
        }
        let pool = Pool::new(targets, endpoints.len());
        Client::new(pool, self.retry, self.request_timeout, self.message_bytes_max)
    }
}

fn unreachable(endpoint: &Endpoint, error: tonic::transport::Error) -> Error {
    Error::Unreachable {
        address: display(endpoint),
        message: status::root_cause(&error),
        source: Some(error.into()),
    }
}

/// The address as a user writes it, without the slash that a URI ends with.
fn display(endpoint: &Endpoint) -> String {
    endpoint.uri().to_string().trim_end_matches('/').to_owned()
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

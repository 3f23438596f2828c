//! The connections of a client and the order in which calls use them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_proto::v1::admin_client::AdminClient;
use kv_proto::v1::kv_client::KvClient;
use tonic_health::pb::health_client::HealthClient;

use crate::transport::{Channel, TransportError};

/// One connection to one server. It opens itself again after it broke.
#[derive(Debug)]
pub(crate) struct Target {
    /// The server's address, for messages.
    pub(crate) address: Arc<str>,
    /// The address's place in the list the builder was given.
    pub(crate) address_index: usize,
    channel: Channel,
    message_bytes_max: usize,
}

impl Target {
    pub(crate) fn new(
        address: Arc<str>,
        address_index: usize,
        channel: Channel,
        message_bytes_max: usize,
    ) -> Self {
        Self { address, address_index, channel, message_bytes_max }
    }

    /// Opens the connection, unless it is open.
    ///
    /// # Errors
    /// Nobody answers at the address.
    pub(crate) async fn connect(&self) -> Result<(), TransportError> {
        self.channel.connect().await
    }

    pub(crate) fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel.clone()).max_decoding_message_size(self.message_bytes_max)
    }

    pub(crate) fn admin(&self) -> AdminClient<Channel> {
        AdminClient::new(self.channel.clone())
    }

    pub(crate) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }
}

/// Which target each attempt of one call goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    start: usize,
    step: usize,
}

impl Route {
    /// Starts at the first address; each further attempt goes to the next.
    pub(crate) const FIRST: Self = Self { start: 0, step: 1 };
}

/// All targets: the first connection of every address, then the second of every address, and so on,
/// so that the next in line is on another address.
#[derive(Debug)]
pub(crate) struct Pool {
    targets: Vec<Target>,
    addresses: usize,
    next: AtomicUsize,
}

impl Pool {
    /// A pool of `targets` in the order the type describes; there is at least one.
    pub(crate) fn new(targets: Vec<Target>, addresses: usize) -> Self {
        debug_assert!(addresses > 0 && targets.len().is_multiple_of(addresses));
        Self { targets, addresses, next: AtomicUsize::new(0) }
    }

    /// Starts at the next connection in turn; each further attempt goes one on.
    pub(crate) fn any(&self) -> Route {
        Route { start: self.next.fetch_add(1, Ordering::Relaxed), step: 1 }
    }

    /// Stays on one address.
    pub(crate) fn only(&self, address_index: usize) -> Route {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.targets.len();
        Route { start: address_index + turn * self.addresses, step: self.addresses }
    }

    /// Where the attempt after so many failures goes.
    pub(crate) fn target(&self, route: Route, failures: u32) -> &Target {
        let failures = usize::try_from(failures).unwrap_or(usize::MAX);
        let index = route.start.wrapping_add(failures.wrapping_mul(route.step));
        self.targets
            .get(index % self.targets.len())
            .expect("a remainder is below its divisor, and the builder makes at least one target")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pool(addresses: usize, connections: usize) -> Pool {
        let channel = Channel::new(
            "127.0.0.1:1".parse().unwrap(),
            Duration::from_secs(1),
            tokio::runtime::Handle::current(),
        );
        let target = |index: usize| {
            let address_index = index % addresses;
            Target::new(address_index.to_string().into(), address_index, channel.clone(), 1)
        };
        Pool::new((0..addresses * connections).map(target).collect(), addresses)
    }

    fn addresses(pool: &Pool, route: Route, attempts: u32) -> Vec<usize> {
        (0..attempts).map(|failures| pool.target(route, failures).address_index).collect()
    }

    #[tokio::test]
    async fn calls_take_turns_and_retries_go_to_another_address() {
        let pool = pool(3, 2);
        assert_eq!(addresses(&pool, pool.any(), 4), [0, 1, 2, 0]);
        assert_eq!(addresses(&pool, pool.any(), 4), [1, 2, 0, 1]);
        assert_eq!(addresses(&pool, Route::FIRST, 4), [0, 1, 2, 0]);
    }

    #[tokio::test]
    async fn a_bound_route_stays_on_its_address_whatever_the_turn() {
        let pool = pool(3, 2);
        for _ in 0..20 {
            assert_eq!(addresses(&pool, pool.only(1), 5), [1; 5]);
        }
    }
}

//! The crate `redis` against the server: every supported family of commands, exact answers.

mod keys;
mod server;
mod transport;
mod values;

use std::time::Duration;

use kv_clients::{SLACK, checks, version, wants_resp3};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, AsyncConnectionConfig, Client};

/// A client with the crate's own defaults, but for the protocol version where that was asked for.
pub(crate) fn client() -> Client {
    let protocol = if wants_resp3() { "?protocol=resp3" } else { "" };
    let url = format!("redis://{}/{protocol}", kv_clients::address("RESP"));
    Client::open(url).expect("the address is valid")
}

/// The crate gives up after half a second, which a busy machine may need for ten megabytes.
fn patient() -> AsyncConnectionConfig {
    let limit = Duration::from_secs(SLACK.unsigned_abs());
    AsyncConnectionConfig::new()
        .set_response_timeout(Some(limit))
        .set_connection_timeout(Some(limit))
}

#[tokio::main]
async fn main() {
    version(&format!(
        "redis (Rust) {} (RESP{})",
        env!("REDIS_VERSION"),
        if wants_resp3() { 3 } else { 2 }
    ));
    let client = client();
    let config = patient();
    let fresh = async || {
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        connection.expect("a connection")
    };
    let mut flusher: MultiplexedConnection = fresh().await;
    checks!(
        &mut fresh().await,
        if flusher.flushall::<()>().await.is_err() {
            // The server was started again.
            flusher = fresh().await;
            flusher.flushall::<()>().await.expect("a store can be emptied")
        },
        values::set_and_get,
        values::conditions,
        values::exchange,
        values::parts,
        values::many_at_once,
        values::binary,
        values::big,
        values::numbers,
        values::errors,
        keys::existence,
        keys::patterns_and_scans,
        keys::rename_and_copy,
        keys::dump_and_restore,
        keys::expiry,
        keys::the_end_of_a_key,
        server::greetings,
        server::clients,
        server::information,
        server::configuration,
        server::commands,
        transport::pipelines,
        transport::errors_in_pipelines,
        transport::tasks_share_a_connection,
        transport::threads_with_connections,
        transport::the_server_comes_back,
    )
}

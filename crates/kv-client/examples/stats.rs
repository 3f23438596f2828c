//! Asks a server how it is, and what it holds.
//!
//! Run a server, then: `cargo run -p kv-client --example stats`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    client.ping().await?;
    println!("server {} takes requests", client.server_version().await?);

    let before = client.stats().await?;
    client.set("example:counted", "value").await?;
    let after = client.stats().await?;
    println!("{} keys, {} bytes of memory", after.keys, after.memory_used_bytes);
    println!("up for {:?}, {} writes", after.uptime, after.writes);
    assert!(after.writes > before.writes);

    client.delete("example:counted").await?;
    Ok(())
}

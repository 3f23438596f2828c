//! Iterates over keys with a prefix: one by one, and in pages that can be resumed.
//!
//! Run a server, then: `cargo run -p kv-client --example scan`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use futures_util::{StreamExt, TryStreamExt};
use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    for user in 0..25 {
        client.set(format!("example:user:{user}"), format!("user {user}")).await?;
    }

    let mut entries = client.scan("example:user:").values().entries();
    let mut seen = 0;
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        println!("{:?} = {:?}", entry.key, entry.value);
        seen += 1;
    }
    assert!(seen >= 25, "a scan may return a key twice, but leaves none out");

    // Page by page: the cursor may be kept, and the scan resumed later, by another client.
    let first = client.scan("example:user:").page_keys(10).page().await?;
    println!("a page of {}", first.entries.len());
    let mut keys: Vec<_> = first.entries.into_iter().map(|entry| entry.key).collect();
    if let Some(cursor) = first.cursor {
        let rest = client.scan("example:user:").cursor(cursor).entries();
        keys.extend(rest.map_ok(|entry| entry.key).try_collect::<Vec<_>>().await?);
    }
    keys.sort();
    keys.dedup();
    println!("{} keys", keys.len());
    assert_eq!(keys.len(), 25);

    for key in keys {
        client.delete(key).await?;
    }
    Ok(())
}

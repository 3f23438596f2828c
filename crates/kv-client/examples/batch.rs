//! Sends many operations in one request; each succeeds or fails by itself.
//!
//! Run a server, then: `cargo run -p kv-client --example batch`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::op::Set;
use kv_client::{Client, Error, Reply};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    let batch = client
        .batch()
        .set("example:a", "1")
        .set("example:b", "not a number")
        .increment("example:a", 41)
        .increment("example:b", 1)
        .with(Set::new("example:c", "3").if_absent())
        .get("example:a");
    let reply = batch.await?;
    for (index, result) in reply.results.iter().enumerate() {
        match result {
            Ok(reply) => println!("{index}: {reply:?}"),
            Err(error) => println!("{index}: refused: {error}"),
        }
    }
    let incremented = reply.results.get(2);
    assert!(matches!(incremented, Some(Ok(Reply::Increment(now))) if now.value == 42));
    assert!(reply.results.get(3).is_some_and(Result::is_err));

    let keys = ["example:a", "example:b", "example:c", "example:d"];
    let entries = client.batch_get(keys).await?;
    println!("found {} of {}", entries.iter().flatten().count(), keys.len());
    assert_eq!(entries.iter().flatten().count(), 3);

    client.batch().delete(keys[0]).delete(keys[1]).delete(keys[2]).await?;
    Ok(())
}

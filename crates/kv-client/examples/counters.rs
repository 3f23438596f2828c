//! Counts from many tasks at once without losing any.
//!
//! Run a server, then: `cargo run -p kv-client --example counters`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Error, Reason};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    client.delete("example:visits").await?;
    let visits = (0..100).map(|_| client.increment("example:visits", 1).send());
    futures_util::future::try_join_all(visits).await?;

    let now = client.increment("example:visits", -10).await?;
    println!("100 up, 10 down: {}", now.value);
    assert_eq!(now.value, 90);

    // What does not fit in 64 bits is refused and changes nothing.
    let error = client.increment("example:visits", i64::MAX).await.expect_err("it overflows");
    println!("{error}");
    assert_eq!(error.reason(), Some(&Reason::IntegerOverflow));

    client.delete("example:visits").await?;
    Ok(())
}

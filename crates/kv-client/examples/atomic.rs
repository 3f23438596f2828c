//! Writes several keys as one: all of it, or nothing.
//!
//! Run a server, then: `cargo run -p kv-client --example atomic`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::op::Set;
use kv_client::{Client, Error, ErrorKind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    let written = client.set("example:from", "100").await?;
    client.set("example:to", "0").await?;

    let transfer = |amount: i64| {
        client
            .batch()
            .increment("example:from", -amount)
            .increment("example:to", amount)
            .atomic()
            .send()
    };
    transfer(30).await?;
    println!("moved 30: {:?}", balances(client).await?);
    assert_eq!(balances(client).await?, ["70", "30"]);

    // The condition of one operation decides about all of them.
    let stale = client
        .batch()
        .set("example:to", "1000000")
        .with(Set::new("example:from", "0").if_version(written.version))
        .atomic();
    let error = stale.await.expect_err("the version is not the present one");
    println!("{error}");
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(balances(client).await?, ["70", "30"]);

    client.batch().delete("example:from").delete("example:to").atomic().await?;
    Ok(())
}

async fn balances(client: &Client) -> Result<Vec<String>, Error> {
    let entries = client.batch_get(["example:from", "example:to"]).await?;
    Ok(entries.iter().flatten().map(|e| String::from_utf8_lossy(&e.value).into_owned()).collect())
}

//! Chooses per write how safe it must be before the server answers.
//!
//! Run a server, then: `cargo run -p kv-client --example durability`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Durability, Error, Reason};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    let highest = client.stats().await?.durability_max;
    println!("the strongest level of this server: {highest:?}");

    let written = client.set("example:durable", "1").durability(Durability::Memory).await?;
    println!("asked for {:?}, got {:?}", Durability::Memory, written.achieved);
    assert!(written.achieved >= Some(Durability::Memory));

    // A level that a server cannot reach is refused, and nothing is written.
    match client.set("example:durable", "2").durability(Durability::Fsync).await {
        Ok(written) => println!("on stable storage: {:?}", written.achieved),
        Err(error) if error.reason() == Some(&Reason::DurabilityUnavailable) => {
            println!("refused: {error}");
        }
        Err(error) => return Err(error),
    }

    client.delete("example:durable").await?;
    Ok(())
}

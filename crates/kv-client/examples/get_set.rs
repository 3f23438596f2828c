//! Writes a key, reads it, asks whether it exists, adds to it, removes it.
//!
//! Run a server, then: `cargo run -p kv-client --example get_set`. `KV_ADDR` names another server.

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
    let written = client.set("example:greeting", "hello").await?;
    println!("wrote version {}, safe to level {:?}", written.version, written.achieved);

    let entry = client.get("example:greeting").await?.expect("it was just written");
    println!("read {:?} at version {}", entry.value, entry.version);
    assert_eq!((entry.value.as_ref(), entry.version), (&b"hello"[..], written.version));

    let appended = client.append("example:greeting", ", world").await?;
    println!("appended: now {} bytes", appended.value_bytes);

    // Keys and values are bytes, of any kind.
    let replaced = client.set("example:greeting", [0, 255]).return_previous().await?;
    println!("replaced {:?}", replaced.previous);
    assert_eq!(replaced.previous.as_deref(), Some(&b"hello, world"[..]));

    let meta = client.exists("example:greeting").await?.expect("it was just written");
    println!("exists with {} bytes", meta.value_bytes);

    let deleted = client.delete("example:greeting").await?;
    println!("deleted: {}", deleted.is_some());
    assert_eq!(client.get("example:greeting").await?, None);
    assert_eq!(client.delete("example:greeting").await?, None);
    Ok(())
}

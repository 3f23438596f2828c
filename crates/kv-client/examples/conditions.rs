//! Changes a key only if it is as expected: the compare-and-set loop.
//!
//! Run a server, then: `cargo run -p kv-client --example conditions`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Error, ErrorKind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    client.delete("example:stock").await?;
    client.set("example:stock", "10").if_absent().await?;

    // Whoever comes second learns what is there.
    let second = client.set("example:stock", "99").if_absent().await.expect_err("it exists");
    println!("{second}");
    assert_eq!(second.kind(), ErrorKind::ConditionFailed);
    assert!(second.current().is_some());

    // Four tasks each take one away; none is lost, although nobody holds a lock.
    let tasks = (0..4).map(|_| take_one(client.clone()));
    let attempts = futures_util::future::try_join_all(tasks).await?;
    println!("attempts each task needed: {attempts:?}");

    let entry = client.get("example:stock").await?.expect("it was written above");
    println!("left: {:?}", entry.value);
    assert_eq!(entry.value.as_ref(), b"6");

    client.delete("example:stock").if_version(entry.version).await?;
    Ok(())
}

/// Reads, computes, writes if nobody else did meanwhile, and otherwise starts over.
async fn take_one(client: Client) -> Result<u32, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let entry = client.get("example:stock").await?.expect("nobody deletes it");
        let count: u32 = String::from_utf8_lossy(&entry.value).parse().expect("it is a number");
        let write = client.set("example:stock", (count - 1).to_string()).if_version(entry.version);
        match write.await {
            Ok(_) => return Ok(attempts),
            Err(error) if error.kind() == ErrorKind::ConditionFailed => {}
            Err(error) => return Err(error),
        }
    }
}

//! Lets keys end after a time, at a time, or never.
//!
//! Run a server, then: `cargo run -p kv-client --example ttl`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use std::time::{Duration, SystemTime};

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Error, ExpireRule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    let minute = Duration::from_mins(1);
    let written = client.set("example:session", "alice").ttl(minute).await?;
    println!("ends in {:?}", written.ttl);
    assert!(written.ttl.is_some_and(|ttl| ttl <= minute));

    // A plain set removes an expiry; `keep_ttl` does not.
    let kept = client.set("example:session", "bob").keep_ttl().await?;
    assert!(kept.ttl.is_some());

    let shorter = client.expire("example:session", minute / 2).rule(ExpireRule::IfLater).await?;
    println!("30 s are later than what is left of a minute: {}", shorter.applied);
    assert!(!shorter.applied);

    // One second into the year 2100.
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_801);
    let longer = client.expire_at("example:session", until).rule(ExpireRule::IfLater).await?;
    println!("lives to see 2100: {}, at version {:?}", longer.applied, longer.current);
    assert!(longer.applied);

    let persisted = client.persist("example:session").await?;
    println!("lives until deleted: {}", persisted.applied);
    assert_eq!(persisted.current.and_then(|state| state.ttl), None);

    client.delete("example:session").await?;
    Ok(())
}

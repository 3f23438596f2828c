//! Shows what errors tell, and how calls are repeated.
//!
//! Run a server, then: `cargo run -p kv-client --example errors`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use std::time::Duration;

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Client, Error, ErrorKind, RetryPolicy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    // A mistake: the message says what is allowed, and repeating it would not help.
    let error = client.get("").await.expect_err("no key is empty");
    println!("{:?}: {error}", error.kind());
    assert_eq!(error.kind(), ErrorKind::BadRequest);

    // A server that is not there: every attempt was refused.
    let backoff = Duration::from_millis(10);
    let policy = RetryPolicy { attempts_max: 5, backoff_min: backoff, backoff_max: 4 * backoff };
    let absent = Client::builder().address("127.0.0.1:1").retry(policy).connect_lazy()?;
    let error = absent.get("key").await.expect_err("nobody listens on port 1");
    println!("{:?}: {error}", error.kind());
    assert_eq!(error.kind(), ErrorKind::Unreachable);

    // What a caller does next is a matter of the kind.
    match client.set("example:errors", "value").await {
        Ok(written) => println!("written at {}", written.version),
        Err(error) => match error.kind() {
            ErrorKind::Retry | ErrorKind::Unreachable => println!("nothing was done, try again"),
            ErrorKind::Unknown => println!("read the key to see whether it was written"),
            _ => return Err(error),
        },
    }
    client.delete("example:errors").await?;
    Ok(())
}

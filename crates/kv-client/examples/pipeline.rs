//! Loads many keys over one stream, sending and receiving at once.
//!
//! Run a server, then: `cargo run -p kv-client --example pipeline`. `KV_ADDR` names another server.

#![cfg_attr(not(test), expect(clippy::print_stdout, reason = "an example shows what it does"))]

use kv_client::limits::ADDRESS_DEFAULT;
use kv_client::{Batch, Client, Error, PipelineReceiver, PipelineSender};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let address = std::env::var("KV_ADDR").unwrap_or_else(|_| ADDRESS_DEFAULT.to_owned());
    run(&Client::connect(address).await?).await
}

/// The example itself.
pub(crate) async fn run(client: &Client) -> Result<(), Error> {
    // At most eight batches are under way at any time, so memory stays bounded on both sides.
    let pipeline = client.pipeline().in_flight_max(8).open().await?;
    let (sender, receiver) = pipeline.split();
    let ((), written) = tokio::try_join!(send(sender), receive(receiver))?;
    println!("wrote {written} keys");
    assert_eq!(written, BATCHES * BATCH_OPS);

    // The same handle in one task: send until it is full, then receive.
    let mut pipeline = client.pipeline().open().await?;
    let mut deleted = 0;
    for batch in 0..BATCHES {
        if pipeline.is_full() {
            deleted += answers(pipeline.recv().await)?;
        }
        let keys = (0..BATCH_OPS).map(|key| format!("example:{batch}:{key}"));
        pipeline.send(keys.fold(Batch::new(), Batch::delete)).await?;
    }
    while pipeline.in_flight() > 0 {
        deleted += answers(pipeline.recv().await)?;
    }
    println!("deleted {deleted} keys");
    assert_eq!(deleted, written);
    Ok(())
}

const BATCHES: usize = 100;
const BATCH_OPS: usize = 50;

/// Dropping the sender at the end tells the receiver that nothing more comes.
async fn send(mut sender: PipelineSender) -> Result<(), Error> {
    for batch in 0..BATCHES {
        let keys = (0..BATCH_OPS).map(|key| format!("example:{batch}:{key}"));
        sender.send(keys.fold(Batch::new(), |batch, key| batch.set(key, "value"))).await?;
    }
    Ok(())
}

/// Answers come in the order in which the batches were sent.
async fn receive(mut receiver: PipelineReceiver) -> Result<usize, Error> {
    let mut written = 0;
    while let Some(reply) = receiver.recv().await {
        written += answers(Some(reply))?;
    }
    Ok(written)
}

fn answers(reply: Option<Result<kv_client::BatchReply, Error>>) -> Result<usize, Error> {
    let results = reply.transpose()?.map(|reply| reply.results).unwrap_or_default();
    Ok(results.into_iter().collect::<Result<Vec<_>, Error>>()?.len())
}

//! The crate `fred` against the server: every supported family of commands, exact answers.

mod keys;
mod server;
mod transport;
mod values;

use fred::prelude::*;
use fred::types::{ClusterHash, CustomCommand, RespVersion};
use kv_clients::{checks, version, wants_resp3};

/// A builder with the crate's own defaults, but for the protocol version where that was asked for.
pub(crate) fn builder() -> Builder {
    let url = format!("redis://{}", kv_clients::address("RESP"));
    let mut config = Config::from_url(&url).expect("the address is valid");
    if wants_resp3() {
        config.version = RespVersion::RESP3;
    }
    Builder::from_config(config)
}

/// A connected client.
pub(crate) async fn connected(builder: &Builder) -> Result<Client, Error> {
    let client = builder.build()?;
    client.init().await?;
    Ok(client)
}

/// Calls a command that the crate has no function for, or not in this form.
pub(crate) async fn call<R: FromValue>(c: &Client, words: &[&str]) -> Result<R, Error> {
    let (name, arguments) = words.split_first().expect("a command");
    let command = CustomCommand::new(name.to_string(), ClusterHash::FirstKey, false);
    c.custom(command, arguments.iter().map(ToString::to_string).collect::<Vec<_>>()).await
}

#[tokio::main]
async fn main() {
    version(&format!("fred {} (RESP{})", env!("FRED_VERSION"), if wants_resp3() { 3 } else { 2 }));
    let policy = ReconnectPolicy::new_constant(0, 50);
    let client = connected(builder().set_policy(policy)).await.expect("a connection");
    checks!(
        &client,
        client.flushall::<()>(false).await.expect("a store can be emptied"),
        values::set_and_get,
        values::conditions,
        values::exchange,
        values::parts,
        values::many_at_once,
        values::binary,
        values::big,
        values::numbers,
        values::errors,
        keys::existence,
        keys::scans,
        keys::rename_and_copy,
        keys::dump_and_restore,
        keys::expiry,
        keys::the_end_of_a_key,
        server::greetings,
        server::clients,
        server::information,
        server::configuration,
        transport::pipelines,
        transport::errors_in_pipelines,
        transport::tasks_share_a_pool,
        transport::the_server_comes_back,
    )
}

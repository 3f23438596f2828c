//! `version`: tells which versions are in use.

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::run::Context;
use crate::screen::Output;

/// Tell the versions of this program and of the server
///
/// `kv-cli --version` tells the first without asking a server.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kv-cli version")]
pub(crate) struct Version {}

const CLIENT_VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
struct Answer<'a> {
    client: &'a str,
    server: Option<&'a str>,
}

impl Version {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        // The first half of the answer needs no server.
        let server = context.client.server_version().await;
        let screen = &mut context.screen;
        match screen.output {
            Output::Table | Output::Raw => {
                screen.line(format_args!("kv-cli {CLIENT_VERSION}"))?;
                if let Ok(version) = &server {
                    screen.line(format_args!("kv-server {version}"))?;
                }
            }
            Output::Json => {
                let server = server.as_deref().ok();
                screen.json(&Answer { client: CLIENT_VERSION, server })?;
            }
        }
        server?;
        Ok(())
    }
}

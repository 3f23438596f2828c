//! `cargo xtask clients`: uses the real server with software that nobody here wrote, and checks every answer.
//!
//! This file owns choosing and running clients. `catalog` says which there are, `software` how theirs
//! arrives, `server` what they talk to; scripts are in `xtask/clients/`, a folder for each client, and run by
//! `script`. The two programs that come with Redis are driven from here: `redis_cli`, `redis_benchmark`.
//!
//! A client whose software cannot be had on a machine is skipped, with the reason.

mod catalog;
mod outcome;
mod redis_benchmark;
mod redis_cli;
mod script;
mod server;
mod snippets;
mod software;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use crate::shell;
use crate::timed::timed;
use catalog::{CLIENTS, Client, Extent, Speaks, Subject};
use outcome::{Ending, Outcome};
use server::{Server, Tested};

/// Builds the server just as `ci` does, so that nothing is built twice.
const BUILD: &str = "cargo build --workspace --bins --examples --tests --all-features --locked";

/// Where [`BUILD`] leaves the server, relative to the workspace root.
const BUILT: &str = "target/debug/kv-server";

/// What `cargo xtask clients` accepts.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The clients to run; all when left out
    #[arg(value_parser = client_names())]
    names: Vec<String>,
    /// Use this server; one is built when left out
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Run against `redis-server` instead: that is how the checks themselves are checked
    #[arg(long, conflicts_with = "server")]
    against_redis: bool,
    /// Use each client in one way alone, as `ci` does
    #[arg(long)]
    quick: bool,
    /// Fail when a client is skipped
    #[arg(long)]
    no_skip: bool,
}

fn client_names() -> PossibleValuesParser {
    PossibleValuesParser::new(CLIENTS.map(|client| client.name))
}

/// The short form, for `ci`: skips, and says so, what cannot be had here.
pub(crate) fn check(root: &Path) -> Result<()> {
    run(root, &Options { quick: true, ..Options::default() })
}

/// The long form, for `ci --deep`.
pub(crate) fn check_long(root: &Path) -> Result<()> {
    run(root, &Options::default())
}

/// Runs the clients one after the other, those after a failure too.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let tested = tested(root, options)?;
    let extent = if options.quick { Extent::Quick } else { Extent::Full };
    let mut outcomes = Vec::new();
    for client in chosen(&options.names) {
        println!("\n-- {}: {}", client.name, client.what);
        let mut versions = Vec::new();
        let (ending, duration) =
            timed(|| run_client(root, (client, extent), &tested, &mut versions));
        println!("-- {} {}", client.name, ending.told());
        outcomes.push(Outcome { client: client.name, versions, ending, duration });
    }
    println!("\n{}", outcome::table(&outcomes));
    outcome::judge(&outcomes, options.no_skip)
}

/// What the clients are to talk to.
fn tested(root: &Path, options: &Options) -> Result<Tested> {
    if options.against_redis {
        return Ok(Tested::Redis);
    }
    if let Some(program) = &options.server {
        return Ok(Tested::Kv(std::path::absolute(program)?));
    }
    shell::run(root, BUILD)?;
    Ok(Tested::Kv(root.join(BUILT)))
}

/// The clients named, or all, in the order of [`CLIENTS`].
fn chosen(names: &[String]) -> impl Iterator<Item = &'static Client> {
    let is_chosen =
        |client: &&Client| names.is_empty() || names.iter().any(|name| name == client.name);
    CLIENTS.iter().filter(is_chosen)
}

/// Runs one client in its ways, each with a server of its own; collects what versions were tried.
fn run_client(
    root: &Path,
    (client, extent): (&Client, Extent),
    tested: &Tested,
    versions: &mut Vec<String>,
) -> Ending {
    if matches!(tested, Tested::Redis) && client.speaks != Speaks::Resp {
        return Ending::Skipped("Redis does not speak its protocol".to_owned());
    }
    let ready = match client.software.prepare(root, client.name) {
        Ok(ready) => ready,
        Err(software::Unready::Missing(reason)) => return Ending::Skipped(reason),
        Err(software::Unready::Broken(error)) => return Ending::Failed(error),
    };
    for way in extent.ways(client) {
        let mut attempt = || {
            let mut server = Server::start(tested.clone())?;
            let subject = Subject { root, way, extent, ready: &ready };
            match subject.run(&mut server, versions) {
                Ok(()) => server.stop(),
                Err(error) => anyhow::bail!("{error:#}{}", server.last_words()),
            }
        };
        if let Err(error) = attempt() {
            return Ending::Failed(error);
        }
    }
    match snippets::run(root, client, &ready, tested) {
        Ok(()) => Ending::Passed,
        Err(error) => Ending::Failed(error),
    }
}

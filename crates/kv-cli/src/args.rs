//! What can be typed: the options of all verbs, and the verbs.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kv_client::limits::ADDRESS_DEFAULT;

use crate::cmd;
use crate::failure::Failure;
use crate::run::Context;
use crate::screen::Output;

/// Talks to a kv server.
#[derive(Debug, Parser)]
#[command(name = "kv-cli", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// The options of all verbs.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  kv-cli set greeting hello             write a key
  kv-cli get greeting                   read it
  kv-cli set session x --ttl 10s        a key that ends by itself
  kv-cli incr visits                    count
  kv-cli scan --prefix user:            list keys
  kv-cli import data.tsv                load a file: key, tab, value
  kv-cli export backup.jsonl            save all keys
  kv-cli bench --pipeline 16            put a load on it and measure
  kv-cli --output json stats | jq .     for programs

A value `-` is read from standard input, `@file` from a file; `@@x` is the text \"@x\".

Exit codes:
  0  done
  1  a key was not found, or a condition does not hold
  2  wrong arguments, or a file that cannot be read or written
  3  no server answers
  4  the server refused";

/// The options of all verbs. They may stand before or after the verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of all verbs")]
pub(crate) struct Global {
    /// Where the server listens: http://host:port
    #[arg(long, global = true, env = "KV_ADDR", default_value = ADDRESS_DEFAULT)]
    pub(crate) addr: String,
    /// How to print answers
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// How long one request may take, for example 500ms or 1m
    #[arg(long, global = true, default_value = "5s", value_parser = timeout)]
    pub(crate) timeout: Duration,
    /// Read and print keys and values as hex digits
    #[arg(long, global = true)]
    pub(crate) hex: bool,
}

fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if timeout < Duration::from_millis(10) {
        return Err("at least 10ms are needed".to_owned());
    }
    Ok(timeout)
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Get(cmd::get::Get),
    Set(cmd::set::Set),
    Del(cmd::del::Del),
    Exists(cmd::exists::Exists),
    Mget(cmd::mget::Mget),
    Mset(cmd::mset::Mset),
    Incr(cmd::incr::Incr),
    Append(cmd::append::Append),
    Ttl(cmd::ttl::Ttl),
    Expire(cmd::expire::Expire),
    Persist(cmd::persist::Persist),
    Scan(cmd::scan::Scan),
    Import(cmd::import::Import),
    Export(cmd::export::Export),
    Snapshot(cmd::snapshot::Snapshot),
    Stats(cmd::stats::Stats),
    Ping(cmd::ping::Ping),
    Version(cmd::version::Version),
    Bench(Box<cmd::bench::Bench>),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Get(verb) => verb.run(context).await,
            Self::Set(verb) => verb.run(context).await,
            Self::Del(verb) => verb.run(context).await,
            Self::Exists(verb) => verb.run(context).await,
            Self::Mget(verb) => verb.run(context).await,
            Self::Mset(verb) => verb.run(context).await,
            Self::Incr(verb) => verb.run(context).await,
            Self::Append(verb) => verb.run(context).await,
            Self::Ttl(verb) => verb.run(context).await,
            Self::Expire(verb) => verb.run(context).await,
            Self::Persist(verb) => verb.run(context).await,
            Self::Scan(verb) => verb.run(context).await,
            Self::Import(verb) => verb.run(context).await,
            Self::Export(verb) => verb.run(context).await,
            Self::Snapshot(verb) => verb.run(context).await,
            Self::Stats(verb) => verb.run(context).await,
            Self::Ping(verb) => verb.run(context).await,
            Self::Version(verb) => verb.run(context).await,
            Self::Bench(verb) => verb.run(context).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_verb() {
        let check = |arguments: &[&str]| {
            let cli = Cli::try_parse_from(["kv-cli"].iter().chain(arguments)).unwrap();
            assert_eq!((cli.global.addr.as_str(), cli.global.output), ("a:1", Output::Json));
            assert_eq!(cli.global.timeout, Duration::from_millis(1500));
        };
        check(&["--addr", "a:1", "--output", "json", "--timeout", "1s500ms", "get", "k"]);
        check(&["get", "k", "--addr", "a:1", "-o", "json", "--timeout", "1500ms"]);
    }

    #[test]
    fn contradictions_and_nonsense_are_refused() {
        let refused = [
            "set k v --nx --xx",
            "set k v --nx --if-version 1",
            "set k v --ttl 1s --keep-ttl",
            "set k v --ttl 10",
            "set k",
            "set k v w",
            "get",
            "get k --timeout 0s",
            "get k --output xml",
            "get k --nonsense",
            "incr k x",
            "incr k 9223372036854775808",
            "expire k",
            "expire k 1s --at 5",
            "expire k 1s --nx --gt",
            "del",
            "mset a",
            "scan --limit 0",
            "scan --cursor xyz",
            "import",
            "import f --format xml",
            "import f --delimiter ab",
            "export f --progress loud",
            "nonsense",
            "",
        ];
        for line in refused {
            let arguments = ["kv-cli"].into_iter().chain(line.split_whitespace());
            assert_eq!(Cli::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn values_may_start_with_a_hyphen() {
        let check = |line: &str| {
            let arguments = ["kv-cli"].into_iter().chain(line.split_whitespace());
            Cli::try_parse_from(arguments).unwrap();
        };
        check("set k -5");
        check("set k -");
        check("set k --nx -5");
        check("set k -5 --nx");
        check("set k -- --nx");
        check("incr k -5");
        check("append k -5");
        check("mset a -5 b -6 --atomic");
        check("get -- -k");
    }
}

//! Which clients there are.

use std::path::Path;

use anyhow::Result;

use super::server::Server;
use super::software::{Ready, Software};
use super::{redis_benchmark, redis_cli, script};

/// A client that is tried.
#[derive(Debug)]
pub(super) struct Client {
    /// Its name on the command line, in `docs/clients.md`, and of its folder in `xtask/clients/`.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) speaks: Speaks,
    pub(super) software: Software,
    /// The ways in which it is used; each has a server of its own.
    pub(super) ways: &'static [Way],
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Resp,
    Grpc,
    Http,
}

/// A way to use a client.
#[derive(Debug)]
pub(super) struct Way {
    /// What its script is started with.
    pub(super) arguments: &'static [&'static str],
    /// Packages beside those it needs: the name of another list of them, `NAME.txt`.
    pub(super) extra: Option<&'static str>,
}

/// How much of everything is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every client in each of its ways.
    Full,
    /// Every client in one way.
    Quick,
}

impl Extent {
    /// The ways to use a client.
    pub(super) fn ways(self, client: &Client) -> &'static [Way] {
        match self {
            Self::Full => client.ways,
            Self::Quick => client.ways.get(..1).unwrap_or_default(),
        }
    }

    /// How long checks go on that could go on for ever.
    const fn seconds(self) -> &'static str {
        match self {
            Self::Full => "25",
            Self::Quick => "8",
        }
    }
}

impl Way {
    const fn new(arguments: &'static [&'static str]) -> Self {
        Self { arguments, extra: None }
    }

    const fn with(self, extra: &'static str) -> Self {
        Self { extra: Some(extra), ..self }
    }
}

/// The protocol versions that a library can be told to speak.
const BY_DEFAULT: Way = Way::new(&[]);
const RESP2: Way = Way::new(&["--protocol", "2"]);
const RESP3: Way = Way::new(&["--protocol", "3"]);

/// All clients, those first whose software needs no installing.
pub(super) const CLIENTS: [Client; 9] = [
    Client {
        name: "redis-cli",
        what: "the command line of Redis",
        speaks: Speaks::Resp,
        software: Software::Program { package: "redis-tools", check: redis_cli::check },
        ways: &[BY_DEFAULT],
    },
    Client {
        name: "redis-benchmark",
        what: "the load generator of Redis",
        speaks: Speaks::Resp,
        software: Software::Program { package: "redis-tools", check: redis_benchmark::check },
        ways: &[BY_DEFAULT],
    },
    Client {
        name: "redis-py",
        what: "Redis for Python",
        speaks: Speaks::Resp,
        software: Software::Python { extras: &["hiredis"] },
        ways: &[BY_DEFAULT, RESP2, RESP3.with("hiredis"), RESP2.with("hiredis")],
    },
    Client {
        name: "node-redis",
        what: "Redis for Node.js",
        speaks: Speaks::Resp,
        software: Software::Node,
        ways: &[BY_DEFAULT, RESP2],
    },
    Client {
        name: "ioredis",
        what: "the other Redis for Node.js",
        speaks: Speaks::Resp,
        software: Software::Node,
        ways: &[BY_DEFAULT, RESP2],
    },
    Client {
        name: "redis-rs",
        what: "Redis for Rust: the crate `redis`",
        speaks: Speaks::Resp,
        software: Software::Rust,
        ways: &[BY_DEFAULT, RESP3],
    },
    Client {
        name: "fred",
        what: "the other Redis for Rust",
        speaks: Speaks::Resp,
        software: Software::Rust,
        ways: &[BY_DEFAULT, RESP3],
    },
    Client {
        name: "grpcio",
        what: "gRPC for Python, generated from proto/ on the spot",
        speaks: Speaks::Grpc,
        software: Software::Python { extras: &[] },
        ways: &[BY_DEFAULT],
    },
    Client {
        name: "schemathesis",
        what: "requests that /openapi.json allows, and others, with every answer compared",
        speaks: Speaks::Http,
        software: Software::Python { extras: &[] },
        ways: &[BY_DEFAULT],
    },
];

/// A client whose software is there, in one of its ways.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) root: &'a Path,
    pub(super) way: &'a Way,
    pub(super) extent: Extent,
    pub(super) ready: &'a Ready,
}

impl Subject<'_> {
    /// Uses the server and checks every answer; adds what software was used to `versions`.
    pub(super) fn run(&self, server: &mut Server, versions: &mut Vec<String>) -> Result<()> {
        match self.ready {
            Ready::Program { version, check } => {
                versions.push(version.clone());
                check(server)
            }
            Ready::Script(installed) => {
                let mut command = installed.command(self.way);
                command.env("KV_CLIENTS_ROOT", self.root);
                command.env("KV_CLIENTS_SECONDS", self.extent.seconds());
                script::run(&mut command, server, versions)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> String {
        std::fs::read_to_string(Path::new("..").join(path)).unwrap()
    }

    /// The versions in a client's manifests: after `==` in Python's, `": "` in Node's, `"=` in Rust's.
    fn pinned(client: &Client) -> Vec<String> {
        let folder = format!("xtask/clients/{}", client.name);
        let (text, mark) = match client.software {
            Software::Program { .. } => return Vec::new(),
            Software::Python { extras } => {
                let lists = ["requirements"].iter().chain(extras);
                (lists.map(|list| read(&format!("{folder}/{list}.txt"))).collect(), "==")
            }
            Software::Node => (read(&format!("{folder}/package.json")), "\": \""),
            Software::Rust => {
                let manifest = read("xtask/clients/rust/Cargo.toml");
                let is_own = |line: &&str| line.starts_with(client.name.trim_end_matches("-rs"));
                (manifest.lines().filter(is_own).collect(), "\"=")
            }
        };
        let versions = text.split(mark).skip(1).filter(|rest| rest.starts_with(char::is_numeric));
        let is_part = |character: char| character.is_numeric() || character == '.';
        versions.map(|rest| rest.split(|c| !is_part(c)).next().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_quick_form_leaves_out_ways_and_no_client() {
        for client in &CLIENTS {
            assert_eq!(Extent::Quick.ways(client).len(), 1, "{}", client.name);
            assert_eq!(Extent::Full.ways(client).len(), client.ways.len(), "{}", client.name);
        }
    }

    #[test]
    fn the_page_tells_every_client_with_its_version() {
        let page = read("docs/clients.md");
        for client in &CLIENTS {
            let start = format!("| [{}](#{}) |", client.name, client.name);
            let row = page.lines().find(|line| line.starts_with(&start)).unwrap_or(&start);
            let versions = pinned(client);
            let is_program = matches!(client.software, Software::Program { .. });
            assert_eq!(versions.is_empty(), is_program, "{}", client.name);
            for version in versions {
                assert!(row.contains(&version), "{version} is not in docs/clients.md: {row}");
            }
        }
    }
}

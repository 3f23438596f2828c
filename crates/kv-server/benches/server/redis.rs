//! Redis as a process, with the settings that make it comparable; Valkey is started and asked alike.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::child::{Server, free_port, quiet};
use crate::contender::REDIS;
use crate::redis_benchmark;
use crate::resp::Connection;
use crate::time::{now, wait_for};

/// A server program on PATH.
#[derive(Debug)]
pub(crate) struct RedisProgram {
    /// For people.
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    /// As the program tells it.
    pub(crate) version: String,
}

impl RedisProgram {
    /// Redis, with its load generator.
    pub(crate) fn redis() -> Option<Self> {
        redis_benchmark::is_there().then_some(())?;
        Self::find(REDIS, "redis-server")
    }

    pub(crate) fn valkey() -> Option<Self> {
        Self::find("Valkey", "valkey-server")
    }

    /// Looks for the program, and whether it is what its name says: some systems have Valkey by the name of Redis.
    fn find(name: &'static str, program: &'static str) -> Option<Self> {
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.starts_with(name).then_some(())?;
        let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
        Some(Self { name, program, version: version.to_owned() })
    }

    /// Starts a server with its files in `dir`, and waits until it has loaded them.
    pub(crate) fn start(&self, dir: &Path, settings: &str) -> Redis {
        self.start_timed(dir, settings).0
    }

    /// The same, and how long it took from making the process until PING was answered.
    pub(crate) fn start_timed(&self, dir: &Path, settings: &str) -> (Redis, Duration) {
        let port = free_port();
        let start = now();
        let mut command = quiet(self.program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(dir);
        command.args(settings.split_whitespace().map(|word| word.trim_matches('\'')));
        let mut redis = Redis { server: Server(command.spawn().unwrap()), port };
        let mut connection = wait_for("Redis to listen", || {
            redis.server.assert_runs(self.program);
            Connection::open(port)
        });
        // While it loads, it answers that it does.
        wait_for("Redis to load", || connection.try_command("PING").ok());
        (redis, start.elapsed())
    }
}

/// A running redis-server.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) server: Server,
    pub(crate) port: u16,
}

impl Redis {
    /// A connection.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.port).expect("it listens")
    }

    /// Waits until no child of it writes a file any more.
    pub(crate) fn wait_for_children(&self) {
        let mut connection = self.connect();
        wait_for("Redis to have written its file", || {
            let running = |field: &str| connection.info("persistence", field) != "0";
            let is_busy =
                ["rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]
                    .map(running)
                    .contains(&true);
            (!is_busy).then_some(())
        });
    }
}

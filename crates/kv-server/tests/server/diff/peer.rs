//! The servers that are compared: Redis, started on a socket of its own, and ours.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kv_resp::Value;
use tempfile::TempDir;

use super::connection::{Connection, Stream};
use super::step::{Args, args};
use crate::support::{LIMIT, Process};

/// A running server. Dropping it ends it.
pub(super) struct Peer {
    server: Server,
    /// Changes answers: for tests of the tester.
    alter: fn(&Args, &mut Value),
}

enum Server {
    Redis { process: Child, socket: PathBuf, _dir: TempDir },
    Kv { process: Box<Process>, _dir: TempDir },
}

impl Peer {
    /// Starts Redis without persistence; none where it is not installed.
    pub(super) fn redis() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("socket");
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--databases", "1"]);
        command.args(["--enable-debug-command", "yes"]);
        command.arg("--unixsocket").arg(&socket).arg("--dir").arg(dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => unreachable!("redis-server starts: {error}"),
        };
        let mut peer =
            Self { server: Server::Redis { process, socket, _dir: dir }, alter: |_, _| {} };
        peer.wait_until_ready();
        // What Redis removes, and when, must depend on the commands alone.
        let answer = peer.connect().ask(&args([b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"]));
        assert_eq!(answer, Value::Simple(b"OK".to_vec()));
        Some(peer)
    }

    /// Starts our server with what Redis has when nothing is configured.
    pub(super) fn kv() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = ["engine.eviction_policy=none", "persist.enabled=false"];
        let process = Box::new(Process::start(dir.path(), &settings));
        Self { server: Server::Kv { process, _dir: dir }, alter: |_, _| {} }
    }

    /// The same server, whose answers are changed before they are compared.
    pub(super) fn altered(mut self, alter: fn(&Args, &mut Value)) -> Self {
        self.alter = alter;
        self
    }

    /// Makes of the answer what it counts as.
    pub(super) fn alter_answer(&self, command: &Args, answer: &mut Value) {
        (self.alter)(command, answer);
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Connection {
        Connection::new(self.stream().expect("the server takes connections"))
    }

    fn stream(&self) -> std::io::Result<Stream> {
        match &self.server {
            Server::Redis { socket, .. } => unix(socket),
            Server::Kv { process, .. } => tcp(process.addr_of("resp")),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "another program's start takes real time")]
    fn wait_until_ready(&mut self) {
        let start = std::time::Instant::now();
        while self.stream().is_err() {
            assert!(start.elapsed() < LIMIT, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Server::Redis { process, .. } = &mut self.server {
            process.kill().expect("redis-server can be killed");
            process.wait().expect("redis-server ends");
        }
    }
}

fn unix(socket: &Path) -> std::io::Result<Stream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(Stream::Unix(stream))
}

fn tcp(addr: &str) -> std::io::Result<Stream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(Stream::Tcp(stream))
}

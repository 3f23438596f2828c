//! memcached as a process, with the settings that make it comparable.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use crate::calls::connect;
use crate::child::{Server, free_port, quiet};
use crate::time::wait_for;

/// As many threads as there are processors for this process, and room for every key that is set.
pub(crate) fn settings() -> String {
    let threads = available_parallelism().map_or(1, usize::from);
    format!("-t {threads} -m 16384 -U 0 -u nobody")
}

/// Keys set before the server is asked whether it has got them.
const CHUNK: usize = 1000;

/// `memcached` on PATH.
#[derive(Debug)]
pub(crate) struct MemcachedProgram {
    /// As the program tells it.
    pub(crate) version: String,
}

impl MemcachedProgram {
    /// Looks for the program.
    pub(crate) fn find() -> Option<Self> {
        let output = Command::new("memcached").arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Some(Self { version: text.split_whitespace().last()?.to_owned() })
    }

    /// Starts a server in `dir`, and waits until it listens.
    #[expect(clippy::unused_self, reason = "having found the program is what allows to start one")]
    pub(crate) fn start(&self, dir: &Path) -> (Server, u16) {
        let port = free_port();
        let mut command = quiet("memcached");
        command.current_dir(dir).args(["-l", "127.0.0.1", "-p", &port.to_string()]);
        let mut server = Server(command.args(settings().split_whitespace()).spawn().unwrap());
        wait_for("memcached to listen", || {
            server.assert_runs("memcached");
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        (server, port)
    }
}

/// Sets many keys to the same value.
pub(crate) fn fill(port: u16, keys: impl Iterator<Item = String>, value: &[u8]) {
    let mut stream = connect(port);
    let mut keys = keys.peekable();
    while keys.peek().is_some() {
        let mut commands = Vec::new();
        let mut count = 0;
        for key in keys.by_ref().take(CHUNK) {
            commands.extend_from_slice(format!("set {key} 0 0 {}\r\n", value.len()).as_bytes());
            commands.extend_from_slice(value);
            commands.extend_from_slice(b"\r\n");
            count += 1;
        }
        stream.write_all(&commands).unwrap();
        let mut answers = vec![0; b"STORED\r\n".len() * count];
        stream.read_exact(&mut answers).unwrap();
        assert_eq!(answers, b"STORED\r\n".repeat(count), "every set succeeds");
    }
}

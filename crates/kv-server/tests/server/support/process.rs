//! The server's binary as a process: started, watched by its log, signalled.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::LIMIT;

/// Most log lines that wait for a test to look at them.
const LINES_MAX: usize = 10_000;

/// The server's binary, without the environment's configuration.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv-server"));
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KV__") {
            command.env_remove(name);
        }
    }
    command
}

/// Every listener on a free port.
pub(crate) const FREE_PORTS: [&str; 4] = [
    "server.resp_addr=127.0.0.1:0",
    "server.grpc_addr=127.0.0.1:0",
    "server.http_addr=127.0.0.1:0",
    "server.admin_addr=127.0.0.1:0",
];

/// A running server. Dropping it kills it.
pub(crate) struct Process {
    pid: u32,
    /// By protocol.
    addrs: HashMap<String, String>,
    addr: String,
    lines: Receiver<String>,
    exit: Receiver<ExitStatus>,
}

impl Process {
    /// Starts a server on a free port with its files in `data_dir`, and waits until it is ready.
    pub(crate) fn start(data_dir: &Path, settings: &[&str]) -> Self {
        Self::run(binary(), data_dir, settings)
    }

    /// The same, with few file descriptors.
    pub(crate) fn start_with_descriptors(count: u32, data_dir: &Path) -> Self {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {count} && exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(binary().get_program());
        Self::run(command, data_dir, &[])
    }

    fn run(command: Command, data_dir: &Path, settings: &[&str]) -> Self {
        let mut process = Self::spawn(command, data_dir, settings);
        process.wait_until_ready();
        process
    }

    /// Starts a server and does not wait for anything.
    pub(crate) fn start_without_waiting(data_dir: &Path, settings: &[&str]) -> Self {
        Self::spawn(binary(), data_dir, settings)
    }

    fn spawn(mut command: Command, data_dir: &Path, settings: &[&str]) -> Self {
        command.arg("--data-dir").arg(data_dir);
        for setting in FREE_PORTS.iter().chain(settings) {
            command.args(["--set", setting]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
        let pid = child.id();
        let stderr = child.stderr.take().expect("it is piped");
        let (line, lines) = sync_channel(LINES_MAX);
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).all(|text| line.send(text).is_ok())
        });
        let (ended, exit) = sync_channel(1);
        thread::spawn(move || ended.send(child.wait().expect("it is our child")));
        Self { pid, addrs: HashMap::new(), addr: String::new(), lines, exit }
    }

    /// Learns from the log where it listens, and waits until it serves.
    fn wait_until_ready(&mut self) {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect("a line of the log");
            if let Some((_, told)) = line.split_once("listening protocol=\"") {
                let (protocol, addr) = told.split_once("\" addr=").expect("the address is logged");
                self.addrs.insert(protocol.to_owned(), addr.to_owned());
            } else if line.contains(" ready") {
                break;
            }
        }
        self.addr = self.addrs.get("grpc").map(|addr| format!("http://{addr}")).unwrap_or_default();
    }

    /// Where gRPC is served, as clients want it.
    pub(crate) fn addr(&self) -> &str {
        &self.addr
    }

    /// Where a protocol is served: `IP:PORT`.
    pub(crate) fn addr_of(&self, protocol: &str) -> &str {
        self.addrs.get(protocol).expect("the listener is on")
    }

    /// The same, as an address.
    pub(crate) fn socket_addr_of(&self, protocol: &str) -> SocketAddr {
        self.addr_of(protocol).parse().expect("IP:PORT")
    }

    /// Waits for the next log line that contains `text`.
    pub(crate) fn log(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// All log lines up to the next one that contains `text`.
    pub(crate) fn lines_until(&self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.contains(text)) {
            lines.push(self.lines.recv_timeout(LIMIT).expect(text));
        }
        lines
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid.to_string()]).status();
        assert!(sent.expect("kill runs").success(), "the process is there to be signalled");
    }

    /// Waits for the end and tells the exit code.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        self.exit.recv_timeout(LIMIT).expect("the process ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exit.try_recv().is_err() {
            let pid = self.pid.to_string();
            // It may have ended meanwhile, which is as good.
            drop(Command::new("kill").args(["-s", "KILL", &pid]).stderr(Stdio::null()).status());
        }
    }
}

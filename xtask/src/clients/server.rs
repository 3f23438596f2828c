//! The server that clients talk to: kv-server, or Redis to prove the checks; started, killed, started again.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// How long a server may take to be ready, or to be gone.
const LIMIT: Duration = Duration::from_secs(30);

/// Most lines of a server's log that are kept.
const LINES_MAX: usize = 1000;

/// How many of them are shown when a client fails.
const LINES_SHOWN: usize = 15;

/// The protocols of kv-server, as its log and its settings name them.
const PROTOCOLS: [&str; 4] = ["resp", "grpc", "http", "admin"];

/// What is tested.
#[derive(Debug, Clone)]
pub(super) enum Tested {
    /// kv-server: this program.
    Kv(PathBuf),
    /// `redis-server`, which has a RESP listener alone.
    Redis,
}

/// A server with data of its own on ports of its own. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Server {
    tested: Tested,
    dir: TempDir,
    /// `HOST:PORT` by protocol; the same after each start.
    addrs: BTreeMap<String, String>,
    log: Arc<Log>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server with nothing in it, and waits until it is ready.
    pub(super) fn start(tested: Tested) -> Result<Self> {
        let dir = tempfile::tempdir().context("no temporary directory for the server's data")?;
        let addrs = BTreeMap::new();
        let mut server = Self { tested, dir, addrs, log: Arc::default(), child: None };
        server.start_again()?;
        Ok(server)
    }

    /// Starts the server that was killed, on the same addresses and data, and waits until it is ready.
    pub(super) fn start_again(&mut self) -> Result<()> {
        let mut command = match self.tested.clone() {
            Tested::Kv(program) => self.kv(&program),
            Tested::Redis => self.redis()?,
        };
        self.log = Arc::default();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} could not be started", command.get_program().display()))?;
        follow(child.stdout.take(), &self.log);
        follow(child.stderr.take(), &self.log);
        self.child = Some(child);
        let is_ready = |line: &str| line.contains(" ready") || line.contains("Ready to accept");
        let ready = self.log.wait_for(is_ready);
        ready.with_context(|| format!("the server did not become ready{}", self.last_words()))?;
        self.addrs.extend(self.log.addrs());
        Ok(())
    }

    /// Every write is on disk before it is answered: what was acknowledged survives being killed.
    fn kv(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KV__") {
                command.env_remove(name);
            }
        }
        command.arg("--data-dir").arg(self.dir.path()).args(["--set", "persist.fsync=always"]);
        for protocol in PROTOCOLS {
            let addr = self.addrs.get(protocol).map_or("127.0.0.1:0", String::as_str);
            command.args(["--set", &format!("server.{protocol}_addr={addr}")]);
        }
        command
    }

    fn redis(&mut self) -> Result<Command> {
        if self.addrs.is_empty() {
            // To Redis, port 0 means none at all.
            let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
            self.addrs.insert("resp".to_owned(), addr);
        }
        let port = self.addr("resp")?.rsplit(':').next().unwrap_or_default().to_owned();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]);
        command.arg(self.dir.path());
        Ok(command)
    }

    /// Whether it is kv.
    pub(super) fn is_kv(&self) -> bool {
        matches!(self.tested, Tested::Kv(_))
    }

    /// Where a protocol is served: `HOST:PORT`.
    pub(super) fn addr(&self, protocol: &str) -> Result<&str> {
        let addr = self.addrs.get(protocol);
        addr.map(String::as_str)
            .with_context(|| format!("the server has told no address of {protocol}"))
    }

    /// Where a protocol is served, in two parts.
    pub(super) fn host_and_port(&self, protocol: &str) -> Result<(&str, &str)> {
        self.addr(protocol)?.rsplit_once(':').context("an address without a port")
    }

    /// What scripts read to find the server.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let addrs = self.addrs.iter();
        addrs
            .map(|(protocol, addr)| (protocol.to_uppercase(), addr.clone()))
            .chain([("SERVER".to_owned(), if self.is_kv() { "kv" } else { "redis" }.to_owned())])
            .map(|(name, value)| (format!("KV_CLIENTS_{name}"), value))
            .collect()
    }

    /// Kills it as `kill -9` does.
    pub(super) fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server is not running")?;
        child.kill().context("the server cannot be killed")?;
        child.wait().context("the killed server cannot be waited for")?;
        Ok(())
    }

    /// Asks it to stop; it must do so, with success, and must not have met anything it calls an error.
    pub(super) fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let told = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status();
        anyhow::ensure!(told.is_ok_and(|status| status.success()), "the server is gone");
        if self.log.wait_for_end().is_err() {
            child.kill()?;
            anyhow::bail!("the server did not stop within {LIMIT:?}{}", self.last_words());
        }
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "the server ended with {status}{}", self.last_words());
        match self.log.alarm() {
            Some(line) if self.is_kv() => anyhow::bail!("the server reported: {line}"),
            _ => Ok(()),
        }
    }

    /// The end of the server's log.
    pub(super) fn last_words(&self) -> String {
        self.log.tail().iter().fold("\n  the server's log ends:".to_owned(), |text, line| {
            format!("{text}\n    {line}")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            // It may have ended by itself, which is as good.
            drop(self.kill());
        }
    }
}

/// What a process has printed so far.
#[derive(Debug, Default)]
struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    lines: VecDeque<String>,
    /// How many of the two streams are still open.
    open: usize,
}

/// Reads a stream of a process into its log, on a thread of its own.
fn follow(stream: Option<impl Read + Send + 'static>, log: &Arc<Log>) {
    let Some(stream) = stream else { return };
    log.change(|state| state.open += 1);
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log.change(|state| {
                if state.lines.len() == LINES_MAX {
                    state.lines.pop_front();
                }
                state.lines.push_back(line);
            });
        }
        log.change(|state| state.open -= 1);
    });
}

impl Log {
    fn change(&self, change: impl FnOnce(&mut LogState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn read<T>(&self, read: impl FnOnce(&LogState) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a line; fails when the process ends without it.
    fn wait_for(&self, is_wanted: impl Fn(&str) -> bool) -> Result<()> {
        let is_there = |state: &LogState| state.lines.iter().any(|line| is_wanted(line));
        self.wait_until(|state| is_there(state) || state.open == 0)?;
        anyhow::ensure!(self.read(is_there), "it ended");
        Ok(())
    }

    /// Waits until the process has ended.
    fn wait_for_end(&self) -> Result<()> {
        self.wait_until(|state| state.open == 0)
    }

    fn wait_until(&self, is_so: impl Fn(&LogState) -> bool) -> Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, LIMIT, |state| !is_so(state));
        let (_state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        anyhow::ensure!(!timeout.timed_out(), "nothing happened within {LIMIT:?}");
        Ok(())
    }

    /// The addresses of kv-server: `listening protocol="resp" addr=127.0.0.1:7379`.
    fn addrs(&self) -> BTreeMap<String, String> {
        self.read(|state| {
            let told = state.lines.iter().filter_map(|line| line.split_once("protocol=\""));
            told.filter_map(|(_, told)| told.split_once("\" addr="))
                .map(|(protocol, addr)| (protocol.to_owned(), addr.trim().to_owned()))
                .collect()
        })
    }

    /// The first line that tells of an error or a panic.
    fn alarm(&self) -> Option<String> {
        let is_alarm = |line: &&String| line.contains(" ERROR ") || line.contains("panicked at");
        self.read(|state| state.lines.iter().find(is_alarm).cloned())
    }

    fn tail(&self) -> Vec<String> {
        self.read(|state| {
            let skipped = state.lines.len().saturating_sub(LINES_SHOWN);
            state.lines.iter().skip(skipped).cloned().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &'static str) -> Arc<Log> {
        let log = Arc::default();
        follow(Some(text.as_bytes()), &log);
        log
    }

    #[test]
    fn addresses_are_read_from_the_log() {
        let log = log("INFO listening protocol=\"resp\" addr=127.0.0.1:7\n\
                       INFO listening protocol=\"grpc\" addr=[::1]:8\nINFO ready version=\"1\"\n");
        log.wait_for(|line| line.contains(" ready")).unwrap();
        let addrs = log.addrs();
        assert_eq!(addrs.get("resp").map(String::as_str), Some("127.0.0.1:7"));
        assert_eq!(addrs.get("grpc").map(String::as_str), Some("[::1]:8"));
        assert_eq!(addrs.len(), 2);
    }

    #[test]
    fn a_process_that_ends_is_not_waited_for() {
        let log = log("one\ntwo panicked at src/a.rs\n");
        assert_eq!(log.wait_for(|line| line == "three").unwrap_err().to_string(), "it ended");
        assert_eq!(log.alarm().as_deref(), Some("two panicked at src/a.rs"));
        assert_eq!(log.tail(), ["one", "two panicked at src/a.rs"]);
    }
}

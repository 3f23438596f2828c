//! A server as a child process: what it uses, and that it ends with the benchmark.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::time::{now, sleep_until, wait_for};

/// Processor time in `/proc` is counted in ticks of this length, on every Linux machine there is.
const TICK: Duration = Duration::from_millis(10);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server(pub(crate) Child);

impl Server {
    /// Fails where it has ended.
    pub(crate) fn assert_runs(&mut self, name: &str) {
        let ended = self.0.try_wait().unwrap();
        assert!(ended.is_none(), "{name} ended: {}", ended.unwrap());
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success(), "the process is there to be signalled");
    }

    /// Asks it to stop, waits until it has, and tells how long that took.
    pub(crate) fn stop(mut self) -> Duration {
        let start = now();
        self.signal("TERM");
        let status = wait_for("a clean stop", || self.0.try_wait().unwrap());
        assert!(status.success(), "the server ended with {status}");
        start.elapsed()
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Processor time used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // The name of the program, in parentheses, may hold spaces.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u32 =
            [fields[11], fields[12]].iter().map(|text| text.parse::<u32>().unwrap()).sum();
        TICK * ticks
    }

    /// Resident memory now, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.0.id()).expect("the process is there")
    }

    /// Starts to watch resident memory.
    pub(crate) fn watch_resident(&self) -> ResidentWatch {
        ResidentWatch::start(self.0.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended meanwhile, which is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

/// Looks at a process's resident memory every few milliseconds.
#[derive(Debug)]
pub(crate) struct ResidentWatch {
    stop: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    thread: thread::JoinHandle<()>,
}

impl ResidentWatch {
    fn start(pid: u32) -> Self {
        let (stop, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, highest) = (Arc::clone(&stop), Arc::clone(&peak));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                highest.fetch_max(resident(pid).unwrap_or(0), Ordering::Relaxed);
                sleep_until(now() + Duration::from_millis(5));
            }
        });
        Self { stop, peak, thread }
    }

    /// The most that was seen, in bytes.
    pub(crate) fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.peak.load(Ordering::Relaxed)
    }
}

/// A directory on the disk that the workspace is on, removed in the end. Not the system's directory for
/// temporary files: that may be memory.
pub(crate) fn directory() -> tempfile::TempDir {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(parent).unwrap();
    tempfile::Builder::new().prefix("bench-server-").tempdir_in(parent).unwrap()
}

/// A command whose output nobody reads.
pub(crate) fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

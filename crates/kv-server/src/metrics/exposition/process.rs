//! The process: memory, processor time, open files. What the system does not tell is not shown.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::registry::{Row, float, gauge};
use super::text::{Kind, Text};

const CPU: &str = "kv_process_cpu_seconds_total";

/// What the system tells of the process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Process {
    resident_bytes: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
}

/// What is told of the process.
pub(super) const ROWS: &[Row<Process>] = &[
    gauge(
        "kv_process_resident_memory_bytes",
        "Memory of the process that is in RAM (RSS).",
        |process| process.resident_bytes.map(float),
    ),
    gauge("kv_process_open_fds", "Files and sockets that the process has open.", |process| {
        process.open_fds.map(float)
    }),
    gauge("kv_process_max_fds", "Files and sockets that the process may have open.", |process| {
        process.max_fds.map(float)
    }),
];

impl Process {
    /// Asks the system.
    pub(super) fn now() -> Self {
        Self {
            resident_bytes: resident_bytes(),
            open_fds: open_fds(),
            max_fds: getrlimit(Resource::Nofile).current,
        }
    }
}

/// Shows the processor time that was used.
pub(super) fn show(text: &mut Text) {
    text.family(CPU, Kind::Counter, "Processor time the process has used, on all processors.");
    let used = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "exact for 285 million years")]
    let (seconds, nanos) = (used.tv_sec as f64, used.tv_nsec as f64);
    text.sample(CPU, &[], seconds + nanos / 1e9);
}

/// From a line such as `VmRSS:     1234 kB`. Only Linux has the file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn open_fds() -> Option<u64> {
    let listed = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // The listing itself is one.
    Some(listed.saturating_sub(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_everything() {
        let process = Process::now();
        let file = std::fs::File::open("/proc/self/status").unwrap();
        assert!(process.resident_bytes > Some(1 << 20), "{process:?}");
        let (before, after) = (process.open_fds.unwrap(), open_fds().unwrap());
        assert!(after > 2 && before > 2, "{before} {after}");
        assert!(process.max_fds > Some(2), "{process:?}");
        drop(file);
    }
}

//! The process and the machine.

use std::fs;
use std::time::Duration;

use super::Server;
use super::text::Text;
use crate::clock::wall_time;
use crate::resp::REDIS_VERSION;

/// Ticks per second in which Linux tells programs of processor time.
const TICKS_PER_SECOND: u64 = 100;

/// Redis counts its clock for idle keys so far.
const LRU_CLOCK_MAX: u64 = (1 << 24) - 1;

/// `# Server`
pub(super) fn server(Server { shared, local }: &Server<'_>, text: &mut Text) {
    let (now, uptime_s) = (wall_time(), shared.uptime_ms() / 1000);
    let system = |name: &str| {
        let told = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        told.trim().to_owned()
    };
    let (kernel, release) = (system("ostype"), system("osrelease"));
    let executable = std::env::current_exe().unwrap_or_default();
    text.field("redis_version", REDIS_VERSION);
    text.field("redis_git_sha1", "00000000");
    text.field("redis_git_dirty", 0);
    text.field("redis_build_id", 0);
    text.field("redis_mode", "standalone");
    text.field("kv_version", env!("CARGO_PKG_VERSION"));
    text.field("kv_git_commit", env!("KV_COMMIT"));
    text.field("os", format_args!("{kernel} {release} {}", std::env::consts::ARCH));
    text.field("arch_bits", usize::BITS);
    text.field("monotonic_clock", "POSIX clock_gettime");
    text.field("multiplexing_api", "epoll");
    text.field("atomicvar_api", "rust");
    text.field("gcc_version", "0.0.0");
    text.field("process_id", std::process::id());
    text.field("process_supervised", "no");
    text.field("run_id", &shared.run_id);
    text.field("tcp_port", local.port());
    text.field("server_time_usec", now.as_micros());
    text.field("uptime_in_seconds", uptime_s);
    text.field("uptime_in_days", uptime_s / 86_400);
    text.field("hz", 1);
    text.field("configured_hz", 1);
    text.field("lru_clock", now.as_secs() & LRU_CLOCK_MAX);
    text.field("executable", executable.display());
    text.field("config_file", "");
    text.field("io_threads_active", 0);
}

/// `# Replication`
pub(super) fn replication(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    text.field("role", "master");
    text.field("connected_slaves", 0);
    text.field("master_failover_state", "no-failover");
    text.field("master_replid", &shared.run_id);
    text.field("master_replid2", "0".repeat(shared.run_id.len()));
    text.field("master_repl_offset", 0);
    text.field("second_repl_offset", -1);
    text.zeros(&[
        "repl_backlog_active",
        "repl_backlog_size",
        "repl_backlog_first_byte_offset",
        "repl_backlog_histlen",
    ]);
}

/// `# CPU`: processor time used. The main thread waits, and others serve.
pub(super) fn cpu(_server: &Server<'_>, text: &mut Text) {
    let process = Used::read("/proc/self/stat").unwrap_or_default();
    let main = Used::read(&format!("/proc/self/task/{}/stat", std::process::id()));
    let main = main.unwrap_or_default();
    for (name, used) in [
        ("used_cpu_sys", process.system),
        ("used_cpu_user", process.user),
        ("used_cpu_sys_children", process.children_system),
        ("used_cpu_user_children", process.children_user),
        ("used_cpu_sys_main_thread", main.system),
        ("used_cpu_user_main_thread", main.user),
    ] {
        text.field(name, format_args!("{:.6}", used.as_secs_f64()));
    }
}

/// Processor time that a process or thread has used.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    user: Duration,
    system: Duration,
    children_user: Duration,
    children_system: Duration,
}

impl Used {
    /// From the 14th field on of the line that Linux has for it; the name, which is the second, ends with the
    /// last bracket.
    fn read(path: &str) -> Option<Self> {
        let line = fs::read_to_string(path).ok()?;
        let (_name, fields) = line.rsplit_once(')')?;
        let ticks = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
        let mut times = ticks.map(|ticks| Duration::from_millis(ticks * (1000 / TICKS_PER_SECOND)));
        let (user, system) = (times.next()?, times.next()?);
        Some(Self { user, system, children_user: times.next()?, children_system: times.next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_of_the_processor() {
        assert!(Used::read("/proc/self/stat").is_some());
    }
}

//! The machine's processors: how long they have had nothing to do.

use std::fs;
use std::time::Duration;

/// Where the kernel tells; its first line is of all processors together.
const PROC_STAT: &str = "/proc/stat";

/// How long the processors of the machine have been idle since it was started, all together; `None` where the system
/// does not tell. Costs a call to the system that grows with the number of processors.
pub(super) fn idle() -> Option<Duration> {
    idle_in(&fs::read_to_string(PROC_STAT).ok()?, rustix::param::clock_ticks_per_second())
}

/// The same, from what the kernel tells, in ticks: `cpu`, user, nice, system, idle, waiting for a disk, and others.
fn idle_in(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    let mut ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().skip(3);
    let mut next = || ticks.next()?.parse::<u64>().ok();
    let idle = next()?.checked_add(next()?)?;
    Some(
        Duration::from_secs(1) * u32::try_from(idle / ticks_per_second).ok()?
            + Duration::from_secs(idle % ticks_per_second)
                / u32::try_from(ticks_per_second).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_read_from_what_the_kernel_tells() {
        let stat = "cpu  22910 0 12345 359137 205 0 88 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(idle_in(stat, 100), Some(Duration::from_millis(3_593_420)));
        for other in ["", "cpu", "cpu  1 2 3", "cpu  1 2 3 4", "cpu  1 2 3 4 x", "btime 1"] {
            assert_eq!(idle_in(other, 100), None, "{other:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_tells() {
        let before = idle().unwrap();
        assert!(idle().unwrap() >= before && before > Duration::ZERO);
    }
}

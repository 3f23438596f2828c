//! How much of a busy processor the snapshot thread gets.

/// How much nicer than the rest of the process the thread is. By 10, Linux gives it a tenth of a processor that another
/// thread wants as well; without, it would be half, and whoever is served by that other thread would wait for it
/// meanwhile.
///
/// Not more: it holds locks for moments, those of shards among them, and who waits for one waits for this thread's turn.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Has the calling thread yield to others from now on; the system does not let it take that back.
///
/// Where niceness is of whole processes, as POSIX has it, nothing is changed.
#[cfg(target_os = "linux")]
pub(super) fn yield_to_others() {
    // More than there is becomes the most there is.
    let nicer = |now| rustix::process::setpriority_process(None, now + NICER);
    if let Err(error) = rustix::process::getpriority_process(None).and_then(nicer) {
        tracing::debug!(%error, "the snapshot thread keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn yield_to_others() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The most that Linux has.
    const NICENESS_MAX: i32 = 19;

    #[test]
    fn only_the_calling_thread_yields() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let of_thread = std::thread::spawn(move || {
            yield_to_others();
            niceness()
        });
        assert_eq!(of_thread.join().unwrap(), (before + NICER).min(NICENESS_MAX));
        assert_eq!(niceness(), before);
    }
}

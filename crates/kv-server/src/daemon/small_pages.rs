//! Memory in small pages while everything is loaded.

/// While it lives, memory that the process touches for the first time comes in small pages only.
///
/// Loading touches nearly all of the store's memory at once. A virtual machine's host takes back what is free in pieces
/// of a huge page or more, and supplies it anew when it is touched, which takes 20 times as long; smaller pieces stay.
/// See ADR-0008.
pub(super) struct SmallPages {
    changed: bool,
}

impl SmallPages {
    /// Changes nothing where the process may have no huge pages anyway. One at a time: who drops one allows them again.
    pub(super) fn only() -> Self {
        Self { changed: huge_pages::are_allowed() && huge_pages::allow(false) }
    }
}

impl Drop for SmallPages {
    fn drop(&mut self) {
        if self.changed && !huge_pages::allow(true) {
            tracing::warn!("memory stays in small pages, with which a large store is slower");
        }
    }
}

/// Whether the system may give this process huge pages, as it may give to every process that it was not told of.
#[cfg(target_os = "linux")]
mod huge_pages {
    use libc::{PR_GET_THP_DISABLE, PR_SET_THP_DISABLE, c_int, c_ulong};

    pub(super) fn are_allowed() -> bool {
        prctl(PR_GET_THP_DISABLE, 0) == 0
    }

    /// Tells whether that was done.
    pub(super) fn allow(allowed: bool) -> bool {
        prctl(PR_SET_THP_DISABLE, c_ulong::from(!allowed)) == 0
    }

    fn prctl(option: c_int, argument: c_ulong) -> c_int {
        const UNUSED: c_ulong = 0;
        #[expect(unsafe_code, reason = "no crate offers these options")]
        // SAFETY: both options take and give numbers alone. What they change is how memory is backed that is touched
        // later, and never what memory holds.
        unsafe {
            libc::prctl(option, argument, UNUSED, UNUSED, UNUSED)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod huge_pages {
    pub(super) fn are_allowed() -> bool {
        false
    }

    pub(super) fn allow(_allowed: bool) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::SmallPages;

    /// What the system says of this process.
    fn huge_pages() -> String {
        let status = std::fs::read_to_string("/proc/self/status").expect("it can be read");
        let line = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
        line.expect("Linux 5.0 or later tells").trim().to_owned()
    }

    #[test]
    fn no_huge_pages_while_it_lives_and_as_before_afterwards() {
        let before = huge_pages();
        let small_pages = SmallPages::only();
        assert_eq!(huge_pages(), "0");
        drop(small_pages);
        assert_eq!(huge_pages(), before);
    }
}

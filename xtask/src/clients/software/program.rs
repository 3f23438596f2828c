//! Programs of the operating system, which are used when they are there.

use super::{Unready, told};

/// The program's version, as it tells it.
pub(super) fn version(name: &str, package: &str) -> Result<String, Unready> {
    told(name, &["--version"]).ok_or_else(|| {
        Unready::Missing(format!("it is not installed; Debian's package {package} has it"))
    })
}

//! The parts of `cargo xtask bench eviction` that can be wrong: readers of traces, and what policies are measured
//! against.

mod arc;
mod csv;
mod optimal;

#[path = "../../benches/eviction/reference.rs"]
mod reference;
#[path = "../../benches/eviction/trace/mod.rs"]
mod trace;

use std::path::Path;

use trace::{TraceError, read};

#[test]
fn the_name_tells_the_format() {
    let unknown = read(Path::new("trace.bin")).unwrap_err().to_string();
    assert!(unknown.contains("trace.bin") && unknown.contains(".csv"), "{unknown}");
    for name in ["no-such-trace.csv", "no-such-trace.lis"] {
        let missing = read(Path::new(name)).unwrap_err();
        assert!(matches!(missing, TraceError::Unreadable { .. }), "{missing}");
    }
}

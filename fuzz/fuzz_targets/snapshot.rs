//! The readers of snapshots and manifests: raw files, and any content under right checksums.
//!
//! What must hold: no panic, no more memory than the files can unpack to, and what is whole is whole.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kv_persist::testing::fuzz_snapshot(data));

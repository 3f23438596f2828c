//! The real `kv-cli` binary against a real server: what users and scripts see.

#![forbid(unsafe_code)]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

#[cfg(test)]
mod bench;
#[cfg(test)]
mod bytes;
#[cfg(test)]
mod exits;
#[cfg(test)]
mod export;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod import;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod persistence;
#[cfg(test)]
mod verbs;

//! Values as `DUMP` gives and `RESTORE` takes them: Redis's own format, so that values move between both.
//!
//! ```text
//! payload := kind · string · version · checksum
//! kind     : u8, 0 for a string: the only kind that this server keeps
//! string   : a length and as many bytes, a small number, or a compressed string (see `string`)
//! version  : u16, of Redis's snapshot format
//! checksum : u64, CRC-64 of all before it
//! ```
//!
//! Whole numbers are little-endian here, unless a length. Nothing is trusted: what a payload claims is checked
//! before memory is taken for it.

mod crc64;
mod lzf;
mod payload;
mod string;
#[cfg(test)]
mod tests;

pub(crate) use payload::{PayloadError, decode, encode};

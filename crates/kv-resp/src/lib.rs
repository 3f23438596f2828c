//! The Redis protocol, RESP2 and RESP3, without I/O: bytes go in, commands come out, and the other way round.
//!
//! * [`Decoder`] reads requests. [`Decoder::decode`] takes the bytes that have arrived and gives a [`Batch`]
//!   of all [`Command`]s that are complete; their arguments are slices of those bytes, and nothing is
//!   allocated per command.
//! * [`Encoder`] writes replies, in the [`Version`] that the client has asked for.
//! * [`ReplyDecoder`] reads replies as owned [`Value`]s, for tests and tools.
//!
//! Who calls owns the buffers and the socket:
//!
//! ```
//! use kv_resp::{Decoder, Encoder, Limits, Version};
//!
//! let mut decoder = Decoder::new(Limits::default());
//! let mut input = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$4\r\nEC".to_vec();
//! let mut output = Vec::new();
//!
//! let batch = decoder.decode(&input, usize::MAX);
//! for command in &batch {
//!     match command.name() {
//!         b"PING" => Encoder::new(&mut output, Version::Resp2).simple("PONG"),
//!         _ => Encoder::new(&mut output, Version::Resp2).null(),
//!     }
//! }
//! let consumed = batch.consumed();
//! input.drain(..consumed); // "*1\r\n$4\r\nEC" stays, and is not scanned again
//! assert_eq!(output, b"$-1\r\n+PONG\r\n");
//! assert_eq!(input, b"*1\r\n$4\r\nEC");
//! ```

#![forbid(unsafe_code)]

mod decode;
mod encode;
mod limits;
mod reply;
mod version;

pub use decode::{Args, Batch, Command, Commands, Decoder, ProtocolError, integer};
pub use encode::Encoder;
pub use limits::{Limits, UNAUTHENTICATED_ARGS_MAX, UNAUTHENTICATED_BULK_BYTES_MAX};
pub use reply::{ReplyDecoder, ReplyError, ReplyLimits, Value};
pub use version::Version;

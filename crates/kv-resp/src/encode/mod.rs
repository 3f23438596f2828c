//! Replies: what a server answers.

mod double;
mod encoder;

pub use encoder::Encoder;

//! What docs/clients.md shows of fred, as a program.

include!(concat!(env!("OUT_DIR"), "/fred.rs"));

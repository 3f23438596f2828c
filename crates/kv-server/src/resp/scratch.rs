//! The room that the connections of one thread take turns in: what a turn needs, no idle connection keeps.

use std::cell::RefCell;

use kv_core::Op;
use kv_resp::Decoder;

use super::answers::Answers;
use super::input::READ_BYTES;
use super::replying::Step;
use super::tally::Tally;
use crate::clock::Stopwatch;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// One thread's room.
pub(super) struct Scratch {
    /// What is read.
    pub(super) input: Box<[u8]>,
    /// How much of it.
    pub(super) filled: usize,
    /// When the first request in it has begun to arrive, if that was in an earlier turn.
    pub(super) since: Option<Stopwatch>,
    /// Where the requests are in it. Knows of no request that is partly there.
    pub(super) decoder: Decoder,
    pub(super) lists: Lists,
    pub(super) answers: Answers,
    /// Whether a turn is being made; stays so when one has panicked.
    is_used: bool,
}

/// Lists that a run of operations fills. They are empty between runs.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) ops: Vec<Op<'static>>,
    pub(super) steps: Vec<Step>,
    pub(super) tally: Tally,
}

impl Scratch {
    fn new() -> Self {
        Self {
            input: vec![0; READ_BYTES].into_boxed_slice(),
            filled: 0,
            since: None,
            decoder: Decoder::new(kv_resp::Limits::default()),
            lists: Lists::default(),
            answers: Answers::default(),
            is_used: false,
        }
    }

    /// Begins what is read with these bytes, and tells where the next ones go.
    pub(super) fn room_behind(&mut self, bytes: &[u8]) -> &mut [u8] {
        let (start, room) = self.input.split_at_mut(bytes.len().min(READ_BYTES));
        start.copy_from_slice(bytes);
        room
    }

    /// Uses this thread's room. There is nothing of earlier turns in it.
    pub(super) fn with<R>(turn: impl FnOnce(&mut Self) -> R) -> R {
        SCRATCH.with_borrow_mut(|scratch| {
            if scratch.is_used {
                *scratch = Self::new();
            }
            scratch.is_used = true;
            let result = turn(scratch);
            scratch.is_used = false;
            result
        })
    }
}

//! Writes of one key under the preconditions of a request.

use kv_core::{Action, Durability, Op, Reply, Store, StoreError, Version};

use super::api::Api;
use super::limits::WRITE_ATTEMPTS_MAX;
use super::precondition::{Preconditions, Verdict, refusal, unchanged};
use super::problem::{Problem, Reason};
use crate::promise::Basis;

/// A write that is to be made.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) key: &'a [u8],
    pub(super) action: Action<'a>,
    pub(super) preconditions: &'a Preconditions,
    /// The level to reach before it is answered.
    pub(super) level: Durability,
}

/// A write that was made, or had nothing to do: `reply.applied` tells.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) reply: Reply,
    /// The level it has reached.
    pub(super) achieved: Durability,
}

/// What became of a write.
#[derive(Debug)]
enum Outcome {
    /// The preconditions held when it was executed.
    Executed(Reply),
    /// They did not hold, as this reply shows.
    Refused(Verdict, Reply),
    /// Others changed the key between looking and writing, each time.
    Contended,
}

impl Write<'_> {
    /// Makes the write, and waits for its level. It is executed before the first wait.
    pub(super) async fn make(self, api: &Api) -> Result<Written, Problem> {
        match self.execute(&**api.gate.store())? {
            Outcome::Executed(reply) => {
                let achieved = api.gate.settle(Basis::of(&reply, false), self.level).await?;
                Ok(Written { reply, achieved })
            }
            Outcome::Refused(verdict, reply) => {
                api.gate.settle(Basis::of_read(reply.lsn), Durability::Memory).await?;
                Err(refusal(verdict, present(&reply)))
            }
            Outcome::Contended => Err(Problem::new(
                Reason::KeyContended,
                format!(
                    "others changed the key during each of {WRITE_ATTEMPTS_MAX} attempts to write it \
                     under these preconditions: try again, or name one version in If-Match"
                ),
            )),
        }
    }

    /// Judging and writing are one step. Where the engine has no condition that says the same as the
    /// preconditions, they are judged for the key as it is seen, and the write is made if it still is.
    fn execute(&self, store: &dyn Store) -> Result<Outcome, StoreError> {
        let Self { key, action, preconditions, .. } = *self;
        if let Some(condition) = preconditions.condition() {
            let reply = store.execute(&Op { key, condition, action })?;
            return Ok(if reply.applied { Outcome::Executed(reply) } else { self.judge(reply) });
        }
        let mut seen = store.execute(&Op::new(key, Action::Exists))?;
        for _attempt in 0..WRITE_ATTEMPTS_MAX {
            let version = present(&seen);
            let verdict = preconditions.judge(version);
            if verdict != Verdict::Holds {
                return Ok(Outcome::Refused(verdict, seen));
            }
            let reply = store.execute(&Op { key, condition: unchanged(version), action })?;
            if reply.applied || present(&reply) == version {
                return Ok(Outcome::Executed(reply));
            }
            seen = reply;
        }
        Ok(Outcome::Contended)
    }

    /// Why nothing was written: a precondition, or there was nothing to do.
    fn judge(&self, reply: Reply) -> Outcome {
        match self.preconditions.judge(present(&reply)) {
            Verdict::Holds => Outcome::Executed(reply),
            verdict => Outcome::Refused(verdict, reply),
        }
    }
}

/// The version of a key that was not written; `None` when it does not exist.
pub(super) fn present(reply: &Reply) -> Option<Version> {
    Some(reply.version).filter(|version| *version != Version::NONE)
}

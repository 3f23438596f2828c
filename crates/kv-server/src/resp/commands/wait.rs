//! `WAIT` and `WAITAOF`: until what the connection wrote is safer than its answer said.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use kv_core::{Durability, Lsn};

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::resp::answers::Answers;
use crate::resp::failure::Failure;
use crate::resp::request::Request;
use crate::shutdown::Drain;
use crate::waiting::Waiter;

/// How many replicas there are.
const REPLICAS: i64 = 0;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("WAIT", 3, "3.0.0", "Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.")
        .call(wait),
    row("WAITAOF", 4, "7.2.0", "Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas.")
        .call(waitaof),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary)
        .flags(Flags::CONNECTION.and(Flags::BLOCKING))
}

/// `WAIT numreplicas timeout`
fn wait(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let has_all = request.integer(1)? <= REPLICAS;
    let timeout = timeout(request, 2)?;
    if has_all {
        call.reply().integer(REPLICAS);
        return Ok(());
    }
    let (mut drain, version) = (call.shared.drain.clone(), call.client.version);
    call.later(async move {
        within(timeout, &mut drain, pending()).await;
        let mut answers = Answers::default();
        answers.encoder(version).integer(REPLICAS);
        Ok(answers)
    });
    Ok(())
}

/// `WAITAOF numlocal numreplicas timeout`
fn waitaof(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let local = request.integer(1)?;
    if !(0..=1).contains(&local) {
        return Err(Failure::Text("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = request.integer(2)?;
    if replicas < 0 {
        return Err(Failure::NotPositive);
    }
    let timeout = timeout(request, 3)?;
    if local == 1 && call.store().durability_max() < Durability::Fsync {
        return Err(Failure::Text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let (shared, written, version) =
        (Arc::clone(call.shared), call.client.written, call.client.version);
    call.later(async move {
        let progress = shared.gate.store().progress();
        let lsn = if local == 1 { written } else { Lsn::ZERO };
        let safe = async {
            // A log that has failed gets no further: the answer says that it did not get there.
            drop(Waiter::new(lsn, Durability::Fsync).wait(progress).await);
            if replicas > REPLICAS {
                pending::<()>().await;
            }
        };
        within(timeout, &mut shared.drain.clone(), safe).await;
        let mut answers = Answers::default();
        let mut encoder = answers.encoder(version);
        encoder.array(2);
        encoder.integer(i64::from(progress.reached(Durability::Fsync) >= written));
        encoder.integer(REPLICAS);
        Ok(answers)
    });
    Ok(())
}

/// Waits, until the time is up or the server drains.
async fn within(timeout: Option<Duration>, drain: &mut Drain, wait: impl Future<Output = ()>) {
    let wait = async {
        tokio::select! {
            biased;
            () = wait => {}
            () = drain.begun() => {}
        }
    };
    match timeout {
        None => wait.await,
        Some(timeout) => if tokio::time::timeout(timeout, wait).await.is_err() {},
    }
}

/// Milliseconds, of which none are no limit.
fn timeout(request: Request<'_>, index: usize) -> Result<Option<Duration>, Failure> {
    let millis = request
        .integer(index)
        .map_err(|_not_a_number| Failure::Text("ERR timeout is not an integer or out of range"))?;
    match u64::try_from(millis) {
        Ok(0) => Ok(None),
        Ok(millis) => Ok(Some(Duration::from_millis(millis))),
        Err(_negative) => Err(Failure::Text("ERR timeout is negative")),
    }
}

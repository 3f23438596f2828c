//! The crash matrix: every call to the disk fails or is the last one, in every mode, over many workloads.
//!
//! One thread writes, so the states the store once had are a list. Whatever happens to the disk: recovery
//! works; it ends in a state of that list, not before the last write that was acknowledged as safe (KV-I2,
//! KV-I3); recovering once more changes nothing; versions go on growing (KV-I4); and what is written next
//! survives the next crash the same way.
//!
//! `KV_MATRIX_SEED` replays a workload, `KV_MATRIX_WORKLOADS` sets how many there are for each fault.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_core::testing::journal_suite::wait;
use kv_core::{
    Action, Deadline, Durability, ExpireRule, ExpiryChange, Journal as _, Op, SetExpiry,
    Store as _, UnixMillis,
};
use kv_persist::FsyncMode;
use kv_persist::disk::fault::{Fault, FaultDisk, FaultPlan, Then};
use kv_persist::disk::mem::MemDisk;

use crate::node::{Contents, KeyState, Node};

/// Steps of one workload.
const STEPS: usize = 60;

/// Workloads for each fault and mode when the environment does not say.
const WORKLOADS: u64 = 1;

/// Lives of one disk: each ends at the crash point and is followed by a recovery.
const LIVES: u64 = 2;

const MODES: [FsyncMode; 3] =
    [FsyncMode::Always, FsyncMode::Interval(Duration::from_millis(50)), FsyncMode::Never];

/// The states the store had, and which of them must not be lost.
struct History {
    states: Vec<Contents>,
    safe: usize,
    /// The greatest version that each key was ever known to have.
    versions: BTreeMap<Vec<u8>, u64>,
}

impl History {
    /// A key that has another version than before has one that it never had.
    fn note_versions(&mut self, now: &Contents) {
        let before = self.states.last().expect("there is a first state");
        for (key, (_, _, version)) in now {
            if before.get(key).is_some_and(|(_, _, before)| before == version) {
                continue;
            }
            let seen = self.versions.insert(key.clone(), *version).unwrap_or(0);
            assert!(*version > seen, "versions grow: {version} after {seen}");
        }
    }
}

impl History {
    /// What a recovery may find.
    fn check(&self, found: &Contents, context: &str) {
        let allowed = &self.states[self.safe..];
        assert!(
            allowed.contains(found),
            "{context}: found a state that never was, or a safe write is lost.\nfound {}\nsafe  {}\n\
             last  {}\n{} states between",
            brief(found),
            brief(&allowed[0]),
            brief(&allowed[allowed.len() - 1]),
            allowed.len()
        );
    }

    fn begin_again(&mut self, found: Contents, context: &str) {
        self.check(&found, context);
        (self.states, self.safe) = (vec![found], 0);
    }
}

/// Keys with lengths and versions.
fn brief(contents: &Contents) -> String {
    let entry = |(key, (value, _, version)): (&Vec<u8>, &KeyState)| {
        let (key, bytes) = (String::from_utf8_lossy(key), value.len());
        format!("{key}:{bytes}@{}", version % 1_000_000)
    };
    contents.iter().map(entry).collect::<Vec<_>>().join(" ")
}

/// One run of the matrix.
#[derive(Debug, Clone, Copy)]
struct Point {
    mode: FsyncMode,
    fault: Fault,
    then: Then,
    at: u64,
    seed: u64,
}

#[test]
fn a_process_that_stops_at_any_call_loses_nothing_safe() {
    matrix(Fault::Stop, Then::Stops);
}

#[test]
fn a_process_that_stops_in_the_middle_of_any_call_loses_nothing_safe() {
    matrix(Fault::ShortWrite, Then::Stops);
}

#[test]
fn one_failed_call_loses_nothing_safe() {
    matrix(Fault::Eio, Then::Works);
}

#[test]
fn a_disk_that_fails_from_any_call_on_loses_nothing_safe() {
    matrix(Fault::Eio, Then::Fails);
}

#[test]
fn a_call_that_works_and_says_it_failed_loses_nothing_safe() {
    matrix(Fault::EioAfter, Then::Works);
}

#[test]
fn a_full_disk_at_any_call_loses_nothing_safe() {
    matrix(Fault::Enospc, Then::Works);
}

fn matrix(fault: Fault, then: Then) {
    let seeds: Vec<u64> = match from_environment("KV_MATRIX_SEED") {
        Some(seed) => vec![seed],
        None => (0..from_environment("KV_MATRIX_WORKLOADS").unwrap_or(WORKLOADS)).collect(),
    };
    let (mut points, mut hits) = (0, 0);
    for mode in MODES {
        for &seed in &seeds {
            let mut at = 1;
            // The number of calls is not known in advance: the matrix ends when none is hit.
            while run(Point { mode, fault, then, at, seed }) {
                (points, hits) = (points + 1, hits + 1);
                at += 1;
            }
            points += 1;
            assert!(at > 50, "the workload makes many calls");
        }
    }
    println!("{fault:?} then {then:?}: {points} runs, {hits} of them hit, {LIVES} lives each");
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Tells whether the crash point was reached in the first life.
fn run(point: Point) -> bool {
    let mut random = fastrand::Rng::with_seed(point.seed);
    let clock = Arc::new(ManualClock::default());
    let mut disk = MemDisk::new();
    let mut history = History { states: vec![Contents::new()], safe: 0, versions: BTreeMap::new() };
    let mut hit = false;
    for life in 0..LIVES {
        // The second life crashes somewhere else, so that recovery itself is cut off too.
        let at = if life == 0 { point.at } else { 1 + point.at % 37 };
        let plan = FaultPlan { at, fault: point.fault, then: point.then };
        let faulty = FaultDisk::with_plan(disk.clone(), plan);
        live(&faulty, &clock, point, &mut random, &mut history);
        hit |= life == 0 && faulty.failed().is_some();
        let failed = faulty.failed().map(|call| call.to_string()).unwrap_or_default();
        disk = if random.bool() { disk.crash(&mut random) } else { disk.kill() };
        verify(&disk, &clock, &history, &format!("{point:?} life {life}: {failed}"));
    }
    hit
}

/// Recovers and writes until the workload ends or the log fails.
fn live(
    disk: &FaultDisk<MemDisk>,
    clock: &Arc<ManualClock>,
    point: Point,
    random: &mut fastrand::Rng,
    history: &mut History,
) {
    let disk = Arc::new(disk.clone());
    let Ok(mut node) = Node::start(disk, clock, point.mode, random.u64(..)) else { return };
    // A recovery that was completed is the new beginning: it has synced what it found.
    history.begin_again(node.contents(clock), &format!("{point:?}"));
    for _ in 0..STEPS {
        match random.u64(..20) {
            0 => {
                node.snapshot();
                continue;
            }
            1 => {
                clock.advance_ms(30);
                continue;
            }
            _ => {}
        }
        // Noted before it is known to be safe: a crash may keep it all the same.
        let Some(lsn) = write(&node, random) else { return };
        let now = node.contents(clock);
        history.note_versions(&now);
        history.states.push(now);
        let level =
            [Durability::Memory, Durability::Buffered, Durability::Fsync][random.usize(..3)];
        match wait(&*node.journal, lsn, level) {
            // What wrote nothing has only what it shows to wait for, not all that came before.
            Ok(()) if level == Durability::Fsync && lsn == node.journal.position() => {
                history.safe = history.states.len() - 1;
            }
            Ok(()) => {}
            Err(_failed) => return,
        }
    }
}

/// One random write; `None` when it is refused.
fn write(node: &Node, random: &mut fastrand::Rng) -> Option<kv_core::Lsn> {
    let mut key = || format!("key-{}", random.u64(..12)).into_bytes();
    let (first, second) = (key(), key());
    let value = vec![b'v'; random.usize(..600)];
    let deadline = Deadline::after(random.i64(1_000_000..2_000_000)).unwrap();
    let set = |expiry| Action::Set { value: &value, expiry, return_previous: false };
    let touch = Action::Expire(ExpiryChange::Set(deadline, ExpireRule::Always));
    let op = match random.u64(..12) {
        0..4 => Op::new(&first, set(SetExpiry::Never)),
        4 => Op::new(&first, set(SetExpiry::Deadline(deadline))),
        5..7 => Op::new(&first, Action::Delete { return_previous: false }),
        7 => Op::new(&first, touch),
        8 => Op::new(b"counter", Action::Increment { delta: 1 }),
        9 if random.u64(..4) == 0 => return node.store.flush().ok().map(|(_, lsn)| lsn),
        _ => {
            let ops =
                [Op::new(&first, set(SetExpiry::Never)), Op::new(&second, set(SetExpiry::Keep))];
            let replies = node.store.execute_atomic(&ops).ok()?;
            return replies.iter().map(|reply| reply.lsn).max();
        }
    };
    node.store.execute(&op).ok().map(|reply| reply.lsn)
}

/// Recovers a copy of the disk and compares.
fn verify(disk: &MemDisk, clock: &Arc<ManualClock>, history: &History, context: &str) {
    clock.set(UnixMillis::new(kv_core::Clock::now(&**clock).get() + 1));
    let node = Node::start(Arc::new(disk.copy()), clock, FsyncMode::Never, 1)
        .unwrap_or_else(|error| panic!("{context}: recovery failed: {error}"));
    history.check(&node.contents(clock), context);
    for (key, seen) in &history.versions {
        let set = Action::Set { value: b"", expiry: SetExpiry::Never, return_previous: false };
        let version = node.store.execute(&Op::new(key, set)).unwrap().version.get();
        assert!(version > *seen, "{context}: {key:?} got version {version} after {seen}");
    }
}

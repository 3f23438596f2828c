//! One client: writes one operation after the other to keys of its own, and later knows what it may find.
//!
//! The log is one sequence and a client waits for each answer, so a crash leaves of its operations a
//! prefix: at least up to the last one that was acknowledged as safe, at most one beyond the last
//! acknowledged.

use std::collections::BTreeMap;

use bytes::Bytes;
use kv_proto::v1::kv_client::KvClient;
use kv_proto::v1::{
    BatchGetRequest, BatchWriteRequest, DeleteRequest, Durability, IncrementRequest, Op,
    SetRequest, op, op_result,
};
use tonic::Status;
use tonic::transport::Channel;

use super::Load;

/// Keys of one client, beside its counter.
const KEYS: u64 = 10;

/// What a client's keys hold: value and version.
type State = BTreeMap<String, (String, u64)>;

/// What one operation makes of the keys; `None` for a key that goes.
type Changes = Vec<(String, Option<String>)>;

/// One operation and what became of it.
#[derive(Debug)]
struct Step {
    changes: Changes,
    /// The versions given, once it was acknowledged.
    versions: Option<Vec<u64>>,
    /// Whether it was acknowledged as surviving the process.
    safe: bool,
}

/// One client with its keys.
#[derive(Debug)]
pub(super) struct Worker {
    id: u64,
    random: fastrand::Rng,
    serial: u64,
    /// Before the steps.
    base: State,
    steps: Vec<Step>,
    /// The greatest version ever seen of each key.
    versions: BTreeMap<String, u64>,
}

impl Worker {
    /// A client without keys.
    pub(super) fn new(id: u64, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let (base, versions) = (State::new(), BTreeMap::new());
        Self { id, random, serial: 0, base, steps: Vec::new(), versions }
    }

    /// Writes until the server is gone.
    pub(super) async fn write_until_killed(&mut self, mut client: KvClient<Channel>, load: &Load) {
        let mut state = self.base.clone();
        loop {
            let changes = self.plan(&state);
            let level = self.random.i32(0..4);
            self.steps.push(Step { changes: changes.clone(), versions: None, safe: false });
            let Ok((versions, achieved)) = send(&mut client, &changes, level, &state).await else {
                return;
            };
            for ((key, value), version) in changes.iter().zip(&versions) {
                let seen = self.versions.insert(key.clone(), *version).unwrap_or(0);
                assert!(*version > seen, "{key} got version {version} after {seen}");
                match value {
                    Some(value) => state.insert(key.clone(), (value.clone(), *version)),
                    None => state.remove(key),
                };
            }
            assert!(achieved >= level, "asked for {level}, got {achieved}");
            let step = self.steps.last_mut().expect("just pushed");
            step.safe = achieved >= Durability::Buffered.into();
            step.versions = Some(versions);
            load.count();
        }
    }

    fn key(&mut self) -> String {
        format!("client-{}-key-{}", self.id, self.random.u64(..KEYS))
    }

    fn plan(&mut self, state: &State) -> Changes {
        self.serial += 1;
        let key = self.key();
        let value = format!("{}.{}{}", self.id, self.serial, "x".repeat(self.random.usize(..200)));
        match self.random.u64(..10) {
            0..5 => vec![(key, Some(value))],
            5 if state.contains_key(&key) => vec![(key, None)],
            6..8 => {
                let counter = format!("client-{}-counter", self.id);
                let present = state.get(&counter).map_or(0, |(text, _)| text.parse().unwrap_or(0));
                vec![(counter, Some((present + 1_i64).to_string()))]
            }
            _ => {
                let keys: std::collections::BTreeSet<String> = (0..3).map(|_| self.key()).collect();
                keys.into_iter().map(|key| (key, Some(value.clone()))).collect()
            }
        }
    }

    /// Compares what the server holds with what may be there, and goes on from it. Tells how many writes
    /// were acknowledged, how many of them as safe, and how many acknowledged ones were lost.
    pub(super) async fn verify(&mut self, client: &mut KvClient<Channel>) -> (u64, u64, u64) {
        let found = self.read(client).await;
        let acknowledged = self.steps.iter().filter(|step| step.versions.is_some()).count();
        let safe = self.steps.iter().rposition(|step| step.safe).map_or(0, |last| last + 1);
        let kept = self.length_kept(&found, safe);
        let kept = kept.unwrap_or_else(|| {
            let Self { id, base, steps, .. } = self;
            unreachable!(
                "client {id} finds a state that never was, or a safe write is lost.\nfound: {found:?}\n\
                 base: {base:?}\nsafe: {safe} of {steps:?}"
            )
        });
        for (key, (_, version)) in &found {
            let seen = self.versions.entry(key.clone()).or_insert(0);
            *seen = (*seen).max(*version);
        }
        let safe_steps = self.steps.iter().filter(|step| step.safe).count();
        self.base = found;
        self.steps.clear();
        let lost = acknowledged.saturating_sub(kept);
        (acknowledged as u64, safe_steps as u64, lost as u64)
    }

    /// After how many steps, at least the safe ones, the keys were as they were found.
    fn length_kept(&self, found: &State, safe: usize) -> Option<usize> {
        let mut state = self.base.clone();
        if safe == 0 && same(&state, found) {
            return Some(0);
        }
        for (index, step) in self.steps.iter().enumerate() {
            apply(&mut state, step);
            if index + 1 >= safe && same(&state, found) {
                return Some(index + 1);
            }
        }
        None
    }

    async fn read(&self, client: &mut KvClient<Channel>) -> State {
        let counter = format!("client-{}-counter", self.id);
        let names: Vec<String> =
            (0..KEYS).map(|key| format!("client-{}-key-{key}", self.id)).chain([counter]).collect();
        let keys = names.iter().map(|name| Bytes::from(name.clone())).collect();
        let answer = client.batch_get(BatchGetRequest { keys }).await.expect("an answer");
        let results = names.into_iter().zip(answer.into_inner().results);
        results
            .filter_map(|(name, result)| {
                let value = String::from_utf8(result.value?.to_vec()).expect("text");
                Some((name, (value, result.version)))
            })
            .collect()
    }
}

fn apply(state: &mut State, step: &Step) {
    let mut versions = step.versions.iter().flatten();
    for (key, value) in &step.changes {
        let version = versions.next().copied().unwrap_or(0);
        match value {
            Some(value) => state.insert(key.clone(), (value.clone(), version)),
            None => state.remove(key),
        };
    }
}

/// Whether the states are the same. A version that was never told, 0, is any.
fn same(expected: &State, found: &State) -> bool {
    expected.len() == found.len()
        && expected.iter().zip(found).all(|((key, (value, version)), (found_key, found))| {
            key == found_key && *value == found.0 && (*version == 0 || *version == found.1)
        })
}

/// Sends one operation; tells the versions given and the level achieved.
async fn send(
    client: &mut KvClient<Channel>,
    changes: &Changes,
    durability: i32,
    state: &State,
) -> Result<(Vec<u64>, i32), Status> {
    let [(key, value)] = changes.as_slice() else {
        return send_atomic(client, changes, durability).await;
    };
    let key_bytes = Bytes::from(key.clone());
    match value {
        None => {
            let request = DeleteRequest { key: key_bytes, durability, ..Default::default() };
            let answer = client.delete(request).await?.into_inner();
            assert!(answer.applied, "{key} is there: {state:?}");
            Ok((vec![answer.version], answer.achieved))
        }
        Some(value) if key.ends_with("counter") => {
            let request = IncrementRequest { key: key_bytes, delta: 1, durability };
            let answer = client.increment(request).await?.into_inner();
            assert_eq!(answer.value.to_string(), *value, "{key}");
            Ok((vec![answer.version], answer.achieved))
        }
        Some(value) => {
            let value = Bytes::from(value.clone());
            let request = SetRequest { key: key_bytes, value, durability, ..Default::default() };
            let answer = client.set(request).await?.into_inner();
            Ok((vec![answer.version], answer.achieved))
        }
    }
}

async fn send_atomic(
    client: &mut KvClient<Channel>,
    changes: &Changes,
    durability: i32,
) -> Result<(Vec<u64>, i32), Status> {
    let ops = changes.iter().map(|(key, value)| {
        let value = Bytes::from(value.clone().unwrap_or_default());
        let set = SetRequest { key: Bytes::from(key.clone()), value, ..Default::default() };
        Op { op: Some(op::Op::Set(set)) }
    });
    let request = BatchWriteRequest { ops: ops.collect(), atomic: true, durability };
    let answer = client.batch_write(request).await?.into_inner();
    assert!(answer.applied, "{answer:?}");
    let results = answer.results.decoded().expect("results that can be read");
    let versions = results.iter().map(|result| match &result.result {
        Some(op_result::Result::Set(set)) => set.version,
        other => unreachable!("{other:?} answers a set"),
    });
    Ok((versions.collect(), answer.achieved))
}

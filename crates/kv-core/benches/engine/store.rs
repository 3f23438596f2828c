//! The engine that is measured, and what is written to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kv_core::{
    Action, Clock, Deadline, EngineConfig, NullJournal, Op, Payload, SetExpiry, ShardedStore,
    Store, UnixMillis,
};

pub(crate) const KEY_BYTES: usize = 16;
pub(crate) const VALUE: [u8; 64] = [b'v'; 64];

/// The machine's clock, as the server has it.
pub(crate) struct RealClock(Instant);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes real time")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

impl Clock for RealClock {
    fn now(&self) -> UnixMillis {
        let elapsed = u64::try_from(now().duration_since(self.0).as_millis()).unwrap();
        UnixMillis::new(1_700_000_000_000 + elapsed)
    }
}

pub(crate) type Engine = Arc<ShardedStore<NullJournal, RealClock>>;

pub(crate) fn engine() -> Engine {
    engine_of(EngineConfig { seed: 1, ..EngineConfig::default() })
}

pub(crate) fn engine_of(config: EngineConfig) -> Engine {
    Arc::new(ShardedStore::new(config, NullJournal, RealClock(now())).unwrap())
}

pub(crate) fn key(number: u64) -> [u8; 16] {
    let text = format!("key:{number:012}");
    text.as_bytes().try_into().unwrap()
}

pub(crate) fn set(value: &[u8], ttl_ms: Option<i64>) -> Action<'_> {
    let expiry = ttl_ms
        .map_or(SetExpiry::Never, |ttl_ms| SetExpiry::Deadline(Deadline::after(ttl_ms).unwrap()));
    Action::Set { value, expiry, return_previous: false }
}

pub(crate) fn fill(store: &Engine, keys: std::ops::Range<u64>, ttl_ms: Option<i64>) {
    for number in keys {
        store.execute(&Op::new(&key(number), set(&VALUE, ttl_ms))).unwrap();
    }
}

/// What time the store has: a clock of its own could have another.
pub(crate) fn now_ms(store: &Engine) -> u64 {
    store.execute(&Op::new(b"now", set(b"", Some(1000)))).unwrap();
    let reply = store.execute(&Op::new(b"now", Action::Deadline)).unwrap();
    let Payload::Deadline(at) = reply.payload else { unreachable!("the key has a deadline") };
    store.execute(&Op::new(b"now", Action::Delete { return_previous: false })).unwrap();
    at.get() - 1000
}

//! Measures the engine in one process: `cargo bench -p kv-core --bench engine [-- NAME]`.
//!
//! * `memory`, `memory-ttl`: bytes per key beyond key and value, as resident memory and as accounted.
//! * `operations`: reads and writes per second on one thread, alone and in batches.
//! * `pipelines`: the same in order, as RESP's pipelines are executed, beside single calls and batches.
//! * `expiry`: how late keys leave memory when 200 k of a million volatile keys are due at once.
//! * `mass-delete`: the longest pause other requests see while nine of ten keys go.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kv_core::{
    Action, Clock, Deadline, EngineConfig, NullJournal, Op, SetExpiry, ShardedStore, Store,
    TtlManager, UnixMillis,
};
use mimalloc::MiMalloc;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const KEYS: u64 = 1_000_000;
/// Keys whose memory is measured.
const MEMORY_KEYS: u64 = 5_000_000;
const KEY_BYTES: u64 = 16;
const VALUE: [u8; 64] = [b'v'; 64];

/// The machine's clock, as the server has it.
struct RealClock(Instant);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes real time")]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

impl Clock for RealClock {
    fn now(&self) -> UnixMillis {
        let elapsed = u64::try_from(now().duration_since(self.0).as_millis()).unwrap();
        UnixMillis::new(1_700_000_000_000 + elapsed)
    }
}

type Engine = Arc<ShardedStore<NullJournal, RealClock>>;

fn engine() -> Engine {
    let config = EngineConfig { seed: 1, ..EngineConfig::default() };
    Arc::new(ShardedStore::new(config, NullJournal, RealClock(now())).unwrap())
}

fn key(number: u64) -> [u8; 16] {
    let text = format!("key:{number:012}");
    text.as_bytes().try_into().unwrap()
}

fn set(value: &[u8], ttl_ms: Option<i64>) -> Action<'_> {
    let expiry = ttl_ms
        .map_or(SetExpiry::Never, |ttl_ms| SetExpiry::Deadline(Deadline::after(ttl_ms).unwrap()));
    Action::Set { value, expiry, return_previous: false }
}

fn fill(store: &Engine, keys: std::ops::Range<u64>, ttl_ms: Option<i64>) {
    for number in keys {
        store.execute(&Op::new(&key(number), set(&VALUE, ttl_ms))).unwrap();
    }
}

/// Resident memory of this process in bytes, as Linux tells it.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn memory() {
    bytes_per_key("without TTL", None);
}

fn memory_ttl() {
    bytes_per_key("with TTL", Some(3_600_000));
}

fn bytes_per_key(what: &str, ttl_ms: Option<i64>) {
    let store = engine();
    let before = (resident_bytes(), store.stats().memory_used_bytes);
    fill(&store, 0..MEMORY_KEYS, ttl_ms);
    let stats = store.stats();
    let per_key =
        |bytes: u64| bytes as f64 / MEMORY_KEYS as f64 - KEY_BYTES as f64 - VALUE.len() as f64;
    println!(
        "memory: {MEMORY_KEYS} keys of 16 B, values of 64 B, {what}: {:.1} B per key beyond key and value \
         as resident memory, {:.1} B as accounted",
        per_key(resident_bytes() - before.0),
        per_key(stats.memory_used_bytes - before.1),
    );
}

/// Time this thread has spent on a processor, as Linux tells it: what others do on the machine is left out.
fn busy_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn rate(what: &str, operations: u64, run: impl FnOnce()) {
    let (start, busy_before) = (now(), busy_time());
    run();
    let busy = busy_time().zip(busy_before).map(|(after, before)| after.saturating_sub(before));
    let seconds = busy.unwrap_or_else(|| start.elapsed()).as_secs_f64();
    println!("operations: {what}: {:.2} M/s", operations as f64 / seconds / 1e6);
}

fn operations() {
    let store = engine();
    let mut random = fastrand::Rng::with_seed(1);
    let keys: Vec<[u8; 16]> = (0..KEYS).map(|_| key(random.u64(0..KEYS))).collect();
    rate("set, new keys", KEYS, || fill(&store, 0..KEYS, None));
    rate("set, random keys", KEYS, || {
        for key in &keys {
            store.execute(&Op::new(key, set(&VALUE, None))).unwrap();
        }
    });
    rate("get, random keys", KEYS, || {
        for key in &keys {
            assert!(store.execute(&Op::new(key, Action::Get)).unwrap().applied);
        }
    });
    for batch in [16, 64] {
        rate(&format!("get, random keys in batches of {batch}"), KEYS, || {
            let mut results = Vec::new();
            for keys in keys.chunks(batch) {
                let ops: Vec<_> = keys.iter().map(|key| Op::new(key, Action::Get)).collect();
                store.execute_batch(&ops, &mut results).unwrap();
                results.clear();
            }
        });
    }
}

/// How operations that come together are executed.
#[derive(Debug, Clone, Copy)]
enum How {
    OneByOne,
    AsBatch,
    InOrder,
}

fn pipelines() {
    let store = engine();
    fill(&store, 0..KEYS, None);
    let mut random = fastrand::Rng::with_seed(1);
    // As many keys as fit in the processor's cache, and as do not.
    for resident in [1_000, KEYS] {
        let keys: Vec<[u8; 16]> = (0..KEYS).map(|_| key(random.u64(0..resident))).collect();
        for (name, action) in [("get", Action::Get), ("set", set(&VALUE, None))] {
            for depth in [1, 16, 64] {
                for how in [How::OneByOne, How::AsBatch, How::InOrder] {
                    rate(
                        &format!("{name} of {resident} keys, {depth} at once, {how:?}"),
                        KEYS,
                        || {
                            pipeline(&store, &keys, action, depth, how);
                        },
                    );
                }
            }
        }
    }
}

fn pipeline(store: &Engine, keys: &[[u8; 16]], action: Action<'_>, depth: usize, how: How) {
    let (mut ops, mut results) = (Vec::new(), Vec::new());
    for keys in keys.chunks(depth) {
        ops.clear();
        ops.extend(keys.iter().map(|key| Op::new(key, action)));
        match how {
            How::OneByOne => results.extend(ops.iter().map(|op| store.execute(op))),
            How::AsBatch => store.execute_batch(&ops, &mut results).unwrap(),
            How::InOrder => store.execute_in_order(&ops, &mut results).unwrap(),
        }
        assert!(results.iter().all(|result| result.as_ref().unwrap().applied));
        results.clear();
    }
}

/// Runs the TTL thread as the server does until `done`.
fn tick_until(store: &Engine, done: impl Fn() -> bool) {
    let mut ttl = TtlManager::new(Arc::clone(store));
    while !done() {
        ttl.tick();
        pause(Duration::from_millis(20));
    }
}

/// Reads a few keys over and over and tells the longest time one read took.
fn longest_read(store: &Engine, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number = (number + 7919) % KEYS;
        let start = now();
        store.execute(&Op::new(&key(number), Action::Get)).unwrap();
        longest = longest.max(start.elapsed());
    }
    longest
}

/// Runs `work` beside a reader and tells the longest read.
fn beside_a_reader(store: &Engine, work: impl FnOnce()) -> Duration {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| longest_read(store, &stop));
        work();
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    })
}

fn expiry() {
    const DUE: u64 = 200_000;
    let store = engine();
    fill(&store, 0..KEYS, Some(3_600_000));
    // All due at the same instant, far enough away to be written in time.
    let at = i64::try_from(store_now(&store) + 3_000).unwrap();
    let expiry = SetExpiry::Deadline(Deadline::at(at).unwrap());
    for number in KEYS..KEYS + DUE {
        let action = Action::Set { value: &VALUE, expiry, return_previous: false };
        store.execute(&Op::new(&key(number), action)).unwrap();
    }
    let longest = beside_a_reader(&store, || {
        tick_until(&store, || store.stats().expired_keys >= DUE);
    });
    let lag = store.stats().expiry_lag_ms;
    println!(
        "expiry: {DUE} keys due at once beside {KEYS} volatile ones: late by p50 <= {} ms, p99 <= {} \
         ms, at most {} ms; longest read beside it {longest:?}",
        lag.p50, lag.p99, lag.max
    );
}

fn store_now(store: &Engine) -> u64 {
    // A key written for a second tells what time the store has.
    let reply = store.execute(&Op::new(b"now", set(b"", Some(1000)))).unwrap();
    assert!(reply.applied);
    reply.version.get() / 1000
}

fn mass_delete() {
    let store = engine();
    fill(&store, 0..KEYS, None);
    let idle = beside_a_reader(&store, || pause(Duration::from_secs(1)));
    // What the scheduler does to two busy threads by itself, with nothing shared between them.
    let other = engine();
    let busy = beside_a_reader(&store, || fill(&other, 0..KEYS, None));
    drop(other);
    let full = store.stats().memory_used_bytes;
    let longest = beside_a_reader(&store, || {
        let _slowest = delete_most(&store);
    });
    let left = store.stats().memory_used_bytes;
    println!(
        "mass-delete: {} of {KEYS} keys deleted, accounted memory {} MB to {} MB; longest read \
         beside it {longest:?} (beside nothing: {idle:?}; beside writes to another store: {busy:?})",
        KEYS / 10 * 9,
        full / 1_000_000,
        left / 1_000_000
    );
    fill(&store, 0..KEYS, None);
    println!("mass-delete: slowest of those deletes with nobody beside {:?}", delete_most(&store));
}

/// Deletes nine of ten keys and tells how long the slowest delete took.
fn delete_most(store: &Engine) -> Duration {
    let mut slowest = Duration::ZERO;
    for number in (0..KEYS).filter(|number| number % 10 != 0) {
        let start = now();
        let delete = Action::Delete { return_previous: false };
        store.execute(&Op::new(&key(number), delete)).unwrap();
        slowest = slowest.max(start.elapsed());
    }
    slowest
}

const ALL: [(&str, fn()); 6] = [
    ("memory", memory),
    ("memory-ttl", memory_ttl),
    ("operations", operations),
    ("pipelines", pipelines),
    ("expiry", expiry),
    ("mass-delete", mass_delete),
];

/// Each measurement runs in a process of its own: what one leaves behind would colour the next.
fn main() {
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    if let Some(wanted) = wanted.next() {
        let (_, run) =
            ALL.iter().find(|(name, _)| *name == wanted).expect("one of the names above");
        return run();
    }
    for (name, _) in ALL {
        let this = std::env::current_exe().unwrap();
        assert!(std::process::Command::new(this).arg(name).status().unwrap().success());
    }
}

//! What compression saves and costs: records of text, as documents and sessions are, kept as they are and
//! compressed.

use std::fmt::Write as _;

use kv_bench::{Compare, Measured};
use kv_core::{Action, COMPRESS_MIN_BYTES_MIN, EngineConfig, Op, Store};

use crate::Bench;
use crate::rate::rate;
use crate::store::{Engine, engine_of, key, set};

/// Bytes of a value, about.
const LENS: [usize; 4] = [200, 1 << 10, 8 << 10, 128 << 10];

/// Values that differ; each key has one of them.
const VALUES: usize = 512;

pub(crate) fn run(bench: &Bench) {
    for len in LENS {
        let values: Vec<Vec<u8>> = (0..VALUES as u64).map(|seed| record(seed, len)).collect();
        let mean = values.iter().map(Vec::len).sum::<usize>() / VALUES;
        let count = bench.scale.keys / 4 * 1024 / (mean as u64).max(1024);
        let plain = Sample::take(&values, count, None);
        let compressed = Sample::take(&values, count, Some(COMPRESS_MIN_BYTES_MIN));
        let kept = compressed.bytes / plain.bytes;
        println!(
            "compression: records of {mean} B: {:.0} B for each key instead of {:.0} B ({:.0} %); set {:.2} µs \
             instead of {:.2} µs, get {:.2} µs instead of {:.2} µs",
            compressed.bytes,
            plain.bytes,
            kept * 100.0,
            compressed.set,
            plain.set,
            compressed.get,
            plain.get,
        );
        let row = |what: &str, unit: &str, value: f64| {
            let what = format!("records of {len} B, {what}");
            Measured::lower("engine-compression", what, unit, &value.into())
        };
        let kept = row("kept", "%", kept * 100.0).compare(Compare::Value);
        let set = row("more for a set", "µs", compressed.set - plain.set).compare(Compare::Nothing);
        let get = row("more for a get", "µs", compressed.get - plain.get).compare(Compare::Nothing);
        for row in [kept, set, get] {
            bench.record(row);
        }
    }
}

/// What a key takes, and what operations on one thread do.
struct Sample {
    bytes: f64,
    /// In microseconds, as below.
    set: f64,
    /// With the bytes of the value copied, as an answer that is sent needs them.
    get: f64,
}

impl Sample {
    fn take(values: &[Vec<u8>], count: u64, compress_min_bytes: Option<usize>) -> Self {
        let store =
            engine_of(EngineConfig { seed: 1, compress_min_bytes, ..EngineConfig::default() });
        let before = store.stats().memory_used_bytes;
        set_each(&store, values, count);
        // Over values that are there: memory that is new would count for more than what is measured.
        let set = rate(count, || set_each(&store, values, count));
        let bytes = (store.stats().memory_used_bytes - before) as f64 / count as f64;
        let get = rate(count, || get_each(&store, count));
        Self { bytes, set: 1e6 / set, get: 1e6 / get }
    }
}

fn set_each(store: &Engine, values: &[Vec<u8>], count: u64) {
    for (number, value) in (0..count).zip(values.iter().cycle()) {
        store.execute(&Op::new(&key(number), set(value, None))).unwrap();
    }
}

fn get_each(store: &Engine, count: u64) {
    let (mut answer, mut random) = (Vec::new(), fastrand::Rng::with_seed(2));
    for _ in 0..count {
        let number = random.u64(0..count);
        let reply = store.execute(&Op::new(&key(number), Action::Get)).unwrap();
        answer.clear();
        reply.into_kept_value().unwrap().append_to(&mut answer);
    }
}

/// A document of about so many bytes: names that repeat, and values that do not.
fn record(seed: u64, len: usize) -> Vec<u8> {
    const WORDS: [&str; 8] =
        ["shipped", "pending", "returned", "Amsterdam", "Berlin", "Lisbon", "express", "standard"];
    let mut random = fastrand::Rng::with_seed(seed);
    let mut text = String::from("[");
    while text.len() < len {
        let (id, cents) = (random.u64(..), random.u32(100..1_000_000));
        let word = |random: &mut fastrand::Rng| random.choice(WORDS).unwrap();
        let (state, city) = (word(&mut random), word(&mut random));
        let email: String = std::iter::repeat_with(|| random.lowercase()).take(9).collect();
        write!(
            text,
            "{{\"order_id\":\"{id:016x}\",\"customer\":{{\"email\":\"{email}@example.com\",\"city\":\"{city}\"}},\
             \"state\":\"{state}\",\"total_cents\":{cents}}},"
        )
        .unwrap();
    }
    text.push(']');
    text.into_bytes()
}

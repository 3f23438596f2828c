//! Measures the codec: `cargo bench -p kv-resp --bench codec`.
//!
//! Pipelines of GET and SET are decoded, their arguments read, and replies encoded; nothing else happens.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use kv_resp::{Decoder, Encoder, Limits, Version};
use mimalloc::MiMalloc;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long each figure is measured.
const TIME: Duration = Duration::from_millis(500);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// The nanoseconds that one command of a batch of `commands` takes.
fn measure(commands: usize, mut batch: impl FnMut()) -> f64 {
    batch();
    let start = now();
    let mut batches = 0;
    while now().duration_since(start) < TIME {
        for _ in 0..64 {
            batch();
        }
        batches += 64;
    }
    now().duration_since(start).as_nanos() as f64 / (batches * commands) as f64
}

fn pipeline(commands: usize, args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..commands {
        let mut request = Encoder::new(&mut bytes, Version::Resp2);
        request.array(args.len());
        for arg in args {
            request.bulk(arg);
        }
    }
    bytes
}

fn decode(name: &str, commands: usize, args: &[&[u8]]) {
    let input = pipeline(commands, args);
    let mut decoder = Decoder::new(Limits::default());
    let nanos = measure(commands, || {
        let batch = decoder.decode(black_box(&input), usize::MAX);
        for command in &batch {
            for arg in command.args() {
                black_box(arg);
            }
        }
        assert_eq!(batch.consumed(), input.len());
    });
    println!("decode {name:<26} pipeline {commands:>4}: {nanos:>6.1} ns/command");
}

fn encode(name: &str, mut reply: impl FnMut(&mut Encoder<'_, Vec<u8>>)) {
    let mut output = Vec::new();
    let nanos = measure(64, || {
        output.clear();
        let mut encoder = Encoder::new(&mut output, Version::Resp2);
        for _ in 0..64 {
            reply(&mut encoder);
        }
        black_box(&output);
    });
    println!("encode {name:<40}: {nanos:>6.1} ns/reply");
}

fn main() {
    let key = b"key:000000000042".as_slice();
    let value = [b'v'; 64];
    let keys = [b"MGET".as_slice(), key, key, key, key, key, key, key, key, key];
    for commands in [1, 16, 64, 1024] {
        decode("GET, 16-byte key", commands, &[b"GET", key]);
        decode("SET, 64-byte value", commands, &[b"SET", key, &value]);
    }
    decode("SET EX, 64-byte value", 64, &[b"SET", key, &value, b"EX", b"3600"]);
    decode("MGET of 9", 64, &keys);
    encode("a bulk string of 64 bytes", |encoder| encoder.bulk(black_box(&value)));
    encode("OK", |encoder| encoder.simple(black_box("OK")));
    encode("an integer", |encoder| encoder.integer(black_box(123_456)));
}

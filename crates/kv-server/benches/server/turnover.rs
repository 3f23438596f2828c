//! Resident memory after every value was replaced by one of another size, again and again, beside Redis.

use std::ops::RangeInclusive;

use kv_bench::{Compare, Figure, Measured, Target};

use crate::Bench;
use crate::child::{Server, directory};
use crate::load::{key, value};
use crate::ours::Ours;
use crate::report::{row, table};
use crate::resp::Connection;
use crate::time::{now, sleep_until};

/// Between which sizes values lie, each chosen at random, one turnover after the other.
const VALUE_BYTES: [RangeInclusive<usize>; 4] = [32..=96, 100..=300, 8..=40, 50..=150];

/// Keys are set in an order of their own each time, as they are by a step that has no factor in common with their number.
const STEPS: [u64; VALUE_BYTES.len()] = [1, 1_000_003, 2_000_003, 3_000_017];

const REDIS: &str = "--appendonly no --save ''";

/// Most times what is accounted for that may be resident in the end.
const RATIO_MAX: f64 = 1.1;

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.memory_keys;
    println!("ours: kv-server --set persist.enabled=false");
    println!("peer: redis-server {REDIS}");
    println!(
        "{count} keys of 16 bytes over RESP, all set anew in another order for each row; measured {:?} later\n",
        bench.scale.settle
    );
    let dirs = (directory(), directory());
    let mine = {
        let ours = Ours::start(dirs.0.path(), &["persist.enabled=false"]);
        ratios(bench, &ours.server, ours.port("resp"))
    };
    let redis = bench.redis.as_ref().map(|program| {
        let redis = program.start(dirs.1.path(), REDIS);
        ratios(bench, &redis.server, redis.port)
    });
    table(&["resident / accounted for, values of", "kv", "Redis", "target"]);
    let ratio = |ratio: f64| format!("{ratio:.2}×");
    for (turn, bytes) in VALUE_BYTES.into_iter().enumerate() {
        let theirs = redis.map(|redis| redis[turn]);
        let (least, most) = bytes.into_inner();
        let name = match turn {
            0 => format!("{least} to {most} B, set once"),
            _ => format!("{least} to {most} B, turnover {turn}"),
        };
        let is_last = turn + 1 == VALUE_BYTES.len();
        let target = if is_last { format!("≤ {RATIO_MAX}×") } else { "–".to_owned() };
        row(&[&name, &ratio(mine[turn]), &theirs.map_or("–".to_owned(), ratio), &target]);
        let row = Measured::lower("turnover", name, "×", &mine[turn].into())
            .beside("Redis", theirs.map(Figure::from).as_ref());
        let target = is_last.then_some(Target::Value(RATIO_MAX));
        bench.record(row.target(target).compare(Compare::Value));
    }
}

/// Times what is accounted for that is resident, after each turn, beyond what a server takes that holds nothing.
fn ratios(bench: &Bench, server: &Server, port: u16) -> [f64; VALUE_BYTES.len()] {
    let mut connection = Connection::open(port).expect("it listens");
    let empty = (server.resident(), accounted(&mut connection));
    let mut turn = 0;
    VALUE_BYTES.map(|bytes| {
        replace_all(&mut connection, bench.scale.memory_keys, STEPS[turn], bytes);
        turn += 1;
        sleep_until(now() + bench.scale.settle);
        let accounted = accounted(&mut connection).saturating_sub(empty.1);
        server.resident().saturating_sub(empty.0) as f64 / accounted as f64
    })
}

fn replace_all(connection: &mut Connection, count: u64, step: u64, bytes: RangeInclusive<usize>) {
    let mut random = fastrand::Rng::with_seed(step);
    let longest = value(*bytes.end());
    connection.set_all((0..count).map(|number| {
        let length = random.usize(bytes.clone());
        (key(number * step % count), &longest[..length])
    }));
}

/// What the server says that it uses, in bytes.
fn accounted(connection: &mut Connection) -> u64 {
    connection.info("memory", "used_memory").parse().unwrap()
}

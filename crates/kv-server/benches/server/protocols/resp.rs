//! SET and GET over the Redis protocol, beside Redis, with the same load generator.

use crate::Bench;
use crate::child::directory;
use crate::ours::Ours;
use crate::redis_benchmark::Load;
use crate::report::{row, table};
use crate::side::Side;

/// Nothing is kept, as on our side.
const REDIS: &str = "--appendonly no --save ''";

const SETTINGS: [&str; 1] = ["persist.enabled=false"];

/// Commands in flight on each connection, and the ratio to reach.
const CASES: [(usize, f64); 3] = [(1, 1.1), (16, 1.6), (64, 3.0)];

pub(crate) fn run(bench: &Bench) {
    let Some(program) = &bench.redis else {
        return bench.skip("resp", "redis-server and redis-benchmark are not installed");
    };
    let dirs = (directory(), directory());
    println!("ours: kv-server --set {}", SETTINGS.join(" --set "));
    println!("peer: redis-server {REDIS}");
    let load = Load { command: "set", keys: bench.scale.keys, pipeline: 1 };
    println!("      {}|16|64, and -t get\n", load.describe());
    let ours = Ours::start(dirs.0.path(), &SETTINGS);
    let redis = program.start(dirs.1.path(), REDIS);
    table(&["64 B values", "kv", "CPU per op", "Redis", "CPU per op", "ratio", "target"]);
    for (pipeline, target) in CASES {
        for command in ["set", "get"] {
            let load = Load { command, keys: bench.scale.keys, pipeline };
            let (a, b) = (
                load.sized(ours.port("resp"), bench.scale.round),
                load.sized(redis.port, bench.scale.round),
            );
            let (mut mine, mut theirs) = (Side::default(), Side::default());
            for _ in 0..bench.scale.rounds {
                mine.measure(&ours.server, || a.run());
                theirs.measure(&redis.server, || b.run());
            }
            let name = format!("{} P{pipeline}", command.to_uppercase());
            let ([rate, cpu], [peer, peer_cpu]) = (mine.cells(), theirs.cells());
            let (ratio, wanted) = (mine.ratio(&theirs), format!("≥ {target}×"));
            row(&[&name, &rate, &cpu, &peer, &peer_cpu, &ratio, &wanted]);
            mine.record(bench, ("resp", &name), Some(&theirs), Some(target));
        }
    }
}

//! GET and SET over gRPC: calls by themselves, and batches in a stream.

use kv_bench::{Measured, Target};

use crate::Bench;
use crate::child::directory;
use crate::load::{ClientLoad, Command, Style, fill, key, value};
use crate::ours::Ours;
use crate::report::{row, table};
use crate::side::Side;

/// Of kv-client, with one task for each call or stream.
const CONNECTIONS: usize = 4;

/// What is sent how, and the operations a second to reach.
const CASES: [(&str, Command, Style, Option<f64>); 4] = [
    ("unary Get, 4 × 16 in flight", Command::Get, Style::Unary { calls: 16 }, Some(100e3)),
    ("unary Set, 4 × 16 in flight", Command::Set, Style::Unary { calls: 16 }, None),
    ("Pipeline of Gets, batches of 64", Command::Get, BATCHES, Some(2e6)),
    ("Pipeline of Sets, batches of 64", Command::Set, BATCHES, Some(2e6)),
];

const BATCHES: Style = Style::Pipeline { batch: 64, in_flight: 8 };

pub(crate) fn run(bench: &Bench) {
    println!("ours: kv-server --set persist.enabled=false");
    println!("      kv-client, {CONNECTIONS} connections, keys of 16 bytes, values of 64\n");
    let dir = directory();
    let ours = Ours::start(dir.path(), &["persist.enabled=false"]);
    bench.runtime.block_on(fill(&ours, (0..bench.scale.keys).map(key), &value(64)));
    table(&["gRPC", "kv", "CPU per op", "target"]);
    for (name, command, style, target) in CASES {
        let (keys, round) = (bench.scale.keys, bench.scale.round);
        let load = ClientLoad { connections: CONNECTIONS, command, style, keys, round };
        let mut side = Side::default();
        for _ in 0..bench.scale.rounds {
            side.measure(&ours.server, || bench.runtime.block_on(load.run(&ours)));
        }
        let [rate, cpu] = side.cells();
        let wanted = target.map_or("–".to_owned(), |rate| format!("≥ {:.0} k/s", rate / 1e3));
        row(&[name, &rate, &cpu, &wanted]);
        let row = Measured::higher("grpc", name, "ops/s", &side.rate);
        bench.record(row.target(target.map(Target::Value)));
    }
}

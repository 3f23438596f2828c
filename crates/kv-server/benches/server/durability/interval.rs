//! What the default mode costs: throughput with it, and with persistence off.

use kv_bench::{Compare, Measured, Target};

use crate::Bench;
use crate::child::directory;
use crate::load::{ClientLoad, Command, Style};
use crate::ours::{NO_SNAPSHOTS, Ours};
use crate::report::{row, table};
use crate::side::Side;

/// Most of the throughput, in percent, that the log may cost.
const TARGET: &str = "≤ 15 %";

/// The same, as what must be left of it.
const LEFT_MIN: f64 = 0.85;

const CASES: [(&str, usize, Style); 2] = [
    ("Pipeline, 4 connections, batches of 64", 4, Style::Pipeline { batch: 64, in_flight: 8 }),
    ("unary Set, 4 connections with 16 calls each", 4, Style::Unary { calls: 16 }),
];

pub(crate) fn run(bench: &Bench) {
    println!("off:      kv-server --set persist.enabled=false");
    println!("interval: kv-server --set {}", NO_SNAPSHOTS.join(" --set "));
    println!("default:  kv-server; takes snapshots as the log grows\n");
    let dirs = [directory(), directory(), directory()];
    let settings = [&["persist.enabled=false"], &NO_SNAPSHOTS[..], &[]];
    let servers: Vec<Ours> = dirs
        .iter()
        .zip(settings)
        .map(|(dir, settings)| Ours::start(dir.path(), settings))
        .collect();
    table(&[
        "SET of 64 B",
        "off",
        "interval",
        "cost",
        "target",
        "default",
        "cost",
        "CPU per SET, in this order",
    ]);
    for (name, connections, style) in CASES {
        let (keys, round) = (bench.scale.keys, bench.scale.round);
        let load = ClientLoad { connections, command: Command::Set, style, keys, round };
        let mut sides = [Side::default(), Side::default(), Side::default()];
        // The first round meets empty stores, and is not counted.
        for round in 0..=bench.scale.rounds {
            for (side, ours) in sides.iter_mut().zip(&servers) {
                let run = || bench.runtime.block_on(load.run(ours));
                if round == 0 {
                    run();
                } else {
                    side.measure(&ours.server, run);
                }
            }
        }
        let cost = |side: &Side| {
            format!("{:.1} %", 100.0 * (1.0 - side.rate.median() / sides[0].rate.median()))
        };
        let [off, interval, default] = [0, 1, 2].map(|index| sides[index].cells());
        let cpu = [&off[1], &interval[1], &default[1]].map(String::as_str).join(", ");
        let (log, all) = (cost(&sides[1]), cost(&sides[2]));
        row(&[name, &off[0], &interval[0], &log, TARGET, &default[0], &all, &cpu]);
        for (mode, side) in [("interval", &sides[1]), ("default", &sides[2])] {
            let row = Measured::higher("interval", format!("{name}, {mode}"), "ops/s", &side.rate)
                .beside("off", Some(&sides[0].rate))
                .target(Some(Target::Ratio(LEFT_MIN)));
            bench.record(row.compare(Compare::Ratio));
        }
    }
}

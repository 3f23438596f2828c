//! Writes that are on stable storage before they are answered, from 50 connections.

use crate::child::{Server, directory};
use crate::load::{SetLoad, Style};
use crate::ours::{NO_SNAPSHOTS, Ours};
use crate::redis::Redis;
use crate::report::{Figure, row, table};
use crate::time::now;
use crate::{Bench, redis_benchmark};

/// As many as redis-benchmark opens when it is not told otherwise.
const CONNECTIONS: usize = 50;

/// Neither side rewrites its files meanwhile.
const REDIS: &str =
    "--appendonly yes --appendfsync always --save '' --auto-aof-rewrite-percentage 0";

/// One line of the table: a load, what Redis gets, and the ratio to reach.
struct Case {
    name: &'static str,
    style: Style,
    redis_pipeline: usize,
    target: Option<f64>,
}

const CASES: [Case; 4] = [
    Case {
        name: "1 in flight: unary Set",
        style: Style::Unary { calls: 1 },
        redis_pipeline: 1,
        target: None,
    },
    Case {
        name: "1 in flight: Pipeline, batches of 1",
        style: Style::Pipeline { batch: 1, in_flight: 1 },
        redis_pipeline: 1,
        target: Some(1.3),
    },
    Case {
        name: "16 in flight: Pipeline, 1 batch of 16",
        style: Style::Pipeline { batch: 16, in_flight: 1 },
        redis_pipeline: 16,
        target: Some(2.0),
    },
    Case {
        name: "64 in flight: Pipeline, 4 batches of 16",
        style: Style::Pipeline { batch: 16, in_flight: 4 },
        redis_pipeline: 64,
        target: None,
    },
];

pub(crate) fn run(bench: &Bench) {
    let dirs = (directory(), directory());
    let settings: Vec<&str> = ["persist.fsync=always"].into_iter().chain(NO_SNAPSHOTS).collect();
    println!(
        "ours: kv-server --set {}; kv-client, {CONNECTIONS} connections",
        settings.join(" --set ")
    );
    println!("peer: redis-server {REDIS}");
    println!("      {}|16|64\n", redis_benchmark::SetLoad::describe(bench.scale.keys, 1));
    let ours = Ours::start(dirs.0.path(), &settings);
    let redis = bench.redis.as_ref().map(|program| program.start(dirs.1.path(), REDIS));
    table(&[
        "SET of 64 B, fsync always",
        "kv",
        "CPU per SET",
        "Redis",
        "CPU per SET",
        "ratio",
        "target",
    ]);
    for case in &CASES {
        measure(bench, &ours, redis.as_ref(), case);
    }
}

fn measure(bench: &Bench, ours: &Ours, redis: Option<&Redis>, case: &Case) {
    let scale = &bench.scale;
    let (style, keys, round) = (case.style, scale.keys, scale.round);
    let load = SetLoad { connections: CONNECTIONS, style, keys, round };
    let peer = redis.map(|redis| {
        (redis, redis_benchmark::SetLoad::new(redis, keys, case.redis_pipeline, round))
    });
    let (mut mine, mut theirs) = (Side::default(), Side::default());
    for _ in 0..scale.rounds {
        mine.measure(&ours.server, || bench.runtime.block_on(load.run(ours)));
        if let Some((redis, load)) = &peer {
            theirs.measure(&redis.server, || load.run(redis));
        }
    }
    let target = case.target.map_or("–".to_owned(), |target| format!("≥ {target}×"));
    let [rate, cpu] = mine.cells();
    let [peer_rate, peer_cpu, ratio] = if peer.is_some() {
        let [rate, cpu] = theirs.cells();
        [rate, cpu, format!("{:.2}×", mine.rate.median() / theirs.rate.median())]
    } else {
        ["–"; 3].map(str::to_owned)
    };
    row(&[case.name, &rate, &cpu, &peer_rate, &peer_cpu, &ratio, &target]);
}

/// What one server did.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) rate: Figure,
    /// Seconds of processor time for one operation.
    cpu: Figure,
}

impl Side {
    /// Runs a load, which tells its rate, and takes the server's processor time.
    pub(crate) fn measure(&mut self, server: &Server, load: impl FnOnce() -> f64) {
        let (start, cpu) = (now(), server.cpu());
        let rate = load();
        let used = server.cpu().saturating_sub(cpu).as_secs_f64();
        self.rate.add(rate);
        self.cpu.add(used / (rate * start.elapsed().as_secs_f64()));
    }

    /// Rate and processor time.
    pub(crate) fn cells(&self) -> [String; 2] {
        [self.rate.rate(), format!("{:.2} µs", self.cpu.median() * 1e6)]
    }
}

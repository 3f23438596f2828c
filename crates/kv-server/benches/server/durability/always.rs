//! Writes that are on stable storage before they are answered, from 50 connections.

use crate::Bench;
use crate::child::directory;
use crate::load::{ClientLoad, Command, Style};
use crate::ours::{NO_SNAPSHOTS, Ours};
use crate::redis::Redis;
use crate::redis_benchmark::{CONNECTIONS, Load};
use crate::report::{row, table};
use crate::side::Side;

/// Neither side rewrites its files meanwhile.
const REDIS: &str =
    "--appendonly yes --appendfsync always --save '' --auto-aof-rewrite-percentage 0";

/// One line of the table: who sends, what Redis is sent, and the ratio to reach.
struct Case {
    name: &'static str,
    sender: Sender,
    redis_pipeline: usize,
    target: Option<f64>,
}

/// Who loads this server.
#[derive(Debug, Clone, Copy)]
enum Sender {
    /// redis-benchmark, as Redis.
    Resp,
    /// kv-client.
    Grpc(Style),
}

const CASES: [Case; 5] = [
    Case { name: "RESP, 1 in flight", sender: Sender::Resp, redis_pipeline: 1, target: Some(1.3) },
    Case {
        name: "RESP, 16 in flight",
        sender: Sender::Resp,
        redis_pipeline: 16,
        target: Some(2.0),
    },
    Case { name: "RESP, 64 in flight", sender: Sender::Resp, redis_pipeline: 64, target: None },
    Case {
        name: "gRPC Pipeline, 1 batch of 16 in flight",
        sender: Sender::Grpc(Style::Pipeline { batch: 16, in_flight: 1 }),
        redis_pipeline: 16,
        target: None,
    },
    Case {
        name: "gRPC unary, 1 in flight",
        sender: Sender::Grpc(Style::Unary { calls: 1 }),
        redis_pipeline: 1,
        target: None,
    },
];

pub(crate) fn run(bench: &Bench) {
    let dirs = (directory(), directory());
    let settings: Vec<&str> = ["persist.fsync=always"].into_iter().chain(NO_SNAPSHOTS).collect();
    println!("ours: kv-server --set {}", settings.join(" --set "));
    println!("peer: redis-server {REDIS}");
    let load = Load { command: "set", keys: bench.scale.keys, pipeline: 1 };
    println!("RESP: {}|16|64", load.describe());
    println!("gRPC: kv-client, {CONNECTIONS} connections\n");
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
    let (keys, round) = (scale.keys, scale.round);
    let resp = Load { command: "set", keys, pipeline: case.redis_pipeline };
    let Some(mut run) = bench.sender(ours, case.sender, resp) else {
        row(&[case.name, "–", "–", "–", "–", "–", "–"]);
        return bench.skip("always", "redis-benchmark is not installed: no load over RESP");
    };
    let peer = redis.map(|redis| (redis, resp.sized(redis.port, round)));
    let (mut mine, mut theirs) = (Side::default(), Side::default());
    for _ in 0..scale.rounds {
        mine.measure(&ours.server, &mut run);
        if let Some((redis, load)) = &peer {
            theirs.measure(&redis.server, || load.run());
        }
    }
    let target = case.target.map_or("–".to_owned(), |target| format!("≥ {target}×"));
    let [rate, cpu] = mine.cells();
    let [peer_rate, peer_cpu, ratio] = if peer.is_some() {
        let [rate, cpu] = theirs.cells();
        [rate, cpu, mine.ratio(&theirs)]
    } else {
        ["–"; 3].map(str::to_owned)
    };
    row(&[case.name, &rate, &cpu, &peer_rate, &peer_cpu, &ratio, &target]);
    let redis = peer.is_some().then_some(&theirs);
    mine.record(bench, ("always", case.name), redis, case.target);
}

impl Bench {
    /// One round of a load; `None` when what makes it is not installed.
    fn sender<'a>(
        &'a self,
        ours: &'a Ours,
        sender: Sender,
        resp: Load,
    ) -> Option<Box<dyn FnMut() -> f64 + 'a>> {
        match sender {
            Sender::Grpc(style) => {
                let (keys, round) = (resp.keys, self.scale.round);
                let command = Command::Set;
                let load = ClientLoad { connections: CONNECTIONS, command, style, keys, round };
                Some(Box::new(move || self.runtime.block_on(load.run(ours))))
            }
            Sender::Resp => {
                let load = self
                    .redis
                    .as_ref()
                    .map(|_found| resp.sized(ours.port("resp"), self.scale.round));
                load.map(|load| -> Box<dyn FnMut() -> f64> { Box::new(move || load.run()) })
            }
        }
    }
}

//! GET and SET beside every server that is installed, with a load generator that all of them can be measured with: that of
//! Redis does not speak to memcached. Without pipelining it is bound by its own calls to the system, as that of Redis is.

use kv_bench::Measured;

use super::pipelined::Pipelines;
use crate::Bench;
use crate::child::directory;
use crate::contender::{Contender, in_memory};
use crate::load::{Command, value};
use crate::redis_benchmark::CONNECTIONS;
use crate::report::{row, table};
use crate::side::Side;

/// Calls in flight on each connection.
const DEPTHS: [usize; 3] = [1, 16, 64];

const VALUE_BYTES: usize = 64;

pub(crate) fn run(bench: &Bench) {
    let dir = directory();
    let peers = in_memory(bench, dir.path());
    println!(
        "      {CONNECTIONS} connections, keys of 16 bytes, values of {VALUE_BYTES}; memcached's 16 and 64 GETs are one \
         request for as many keys\n"
    );
    if peers.len() == 1 {
        bench.skip("peers", "none of redis-server, valkey-server and memcached is installed");
    }
    for peer in &peers {
        peer.fill(bench.scale.keys, &value(VALUE_BYTES));
        peer.pause();
    }
    table(&["in flight", "", "rate", "CPU per op", "kv's rate to it"]);
    for depth in DEPTHS {
        for (command, name) in [(Command::Set, "SET"), (Command::Get, "GET")] {
            let sides = measure(bench, &peers, command, depth);
            tell(bench, &peers, &sides, &format!("{name} P{depth}"));
        }
    }
}

fn measure(bench: &Bench, peers: &[Contender], command: Command, depth: usize) -> Vec<Side> {
    let mut sides: Vec<Side> = peers.iter().map(|_| Side::default()).collect();
    for _ in 0..bench.scale.short_rounds {
        for (peer, side) in peers.iter().zip(&mut sides) {
            let calls = peer.calls(command, bench.scale.keys, &value(VALUE_BYTES));
            let round = bench.scale.short_round;
            peer.awake(|| {
                let mut pipelines = Pipelines::start(calls, peer.port, depth);
                pipelines.rate(round / 3);
                side.measure(&peer.server, || pipelines.rate(round));
            });
        }
    }
    sides
}

/// Nothing of this is compared with another day's: `resp` has the rows for that.
fn tell(bench: &Bench, peers: &[Contender], sides: &[Side], name: &str) {
    let ours = &sides[0];
    for (peer, side) in peers.iter().zip(sides) {
        let [rate, cpu] = side.cells();
        if peer.is_ours() {
            row(&[name, peer.name, &rate, &cpu, ""]);
        } else {
            row(&["", peer.name, &rate, &cpu, &ours.ratio(side)]);
            let name = format!("{name} beside {}", peer.name);
            let row = Measured::higher("peers", name, "ops/s", &ours.rate);
            bench.record(row.beside(peer.name, Some(&side.rate)));
        }
    }
}

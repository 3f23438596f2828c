//! How long calls take at half the rate at which the slowest of the servers answers, each counted from when it should have
//! been made. The rate is that of this load generator's closed loop, whose bound may be its own.

use kv_bench::{Figure, Measured};

use super::paced_calls::{self, Calling, PacedCalls, Samples};
use super::paced_grpc::{self, PacedSets, Setting};
use super::processors::Spared;
use crate::Bench;
use crate::calls::Calls;
use crate::child::directory;
use crate::contender::{Contender, REDIS, in_memory};
use crate::durability::open_loop::Pace;
use crate::latency::{Latencies, Quantiles, Sample, Window};
use crate::load::{Command, value};
use crate::report::{row, table};
use crate::time::{now, sleep_until};

const VALUE_BYTES: usize = 64;

type Quantile = (&'static str, fn(&Latencies) -> Figure);

/// Those that are put on record, in milliseconds.
const QUANTILES: [Quantile; 3] = [
    ("p50", |of| of.p50.times(1e3)),
    ("p99", |of| of.p99.times(1e3)),
    ("p99.9", |of| of.p999.times(1e3)),
];

/// What makes the calls.
enum Generator {
    Calls(PacedCalls),
    Grpc(PacedSets),
}

impl Generator {
    /// Makes calls for as long as `wait` takes.
    fn run(&self, pace: Pace, wait: impl FnOnce()) -> Samples {
        match self {
            Self::Calls(calls) => {
                let calling = Calling::start(calls.clone(), pace);
                wait();
                calling.stop()
            }
            Self::Grpc(sets) => {
                let setting = Setting::start(sets.clone(), pace);
                wait();
                setting.stop()
            }
        }
    }
}

/// The same calls to a server.
struct Load<'a> {
    server: &'a Contender,
    generator: Generator,
    saturation: f64,
    answers: Latencies,
    own: Latencies,
}

impl<'a> Load<'a> {
    fn new(server: &'a Contender, generator: Generator) -> Self {
        let (answers, own) = (Latencies::default(), Latencies::default());
        Self { server, generator, saturation: 0.0, answers, own }
    }
}

pub(crate) fn run(bench: &Bench) {
    let spared = Spared::one();
    let (processor, keys, value) = (spared.processor, bench.scale.keys, value(VALUE_BYTES));
    let dir = directory();
    let peers = in_memory(bench, dir.path());
    println!(
        "      {} connections, a call at a time each; gRPC: kv-client, {} connections, {} calls at a time each",
        paced_calls::CONNECTIONS,
        paced_grpc::CONNECTIONS,
        paced_grpc::CALLS
    );
    println!("      keys of 16 bytes, values of {VALUE_BYTES}");
    println!(
        "      one processor is the load generator's, which was itself as late as `own` says\n"
    );
    for peer in &peers {
        peer.fill(keys, &value);
        peer.pause();
    }
    let load = |server, calls, port| {
        Load::new(server, Generator::Calls(PacedCalls { calls, port, processor }))
    };
    let head = ["", "", "rate", "of", "p50", "p99", "p99.9", "max", "own p99.9"];
    table(&head);
    for (command, name) in [(Command::Get, "GET"), (Command::Set, "SET")] {
        let calls = |peer: &Contender| peer.calls(command, keys, &value);
        let loads = peers.iter().map(|peer| load(peer, calls(peer), peer.port)).collect();
        tell(bench, name, measure(bench, loads));
    }
    let ours = &peers[0];
    let ports = ours.other_ports.expect("it is this server");
    let gets = Calls::http_get(keys, &value);
    tell(bench, "HTTP GET", measure(bench, vec![load(ours, gets, ports.http)]));
    let sets = Generator::Grpc(PacedSets { port: ports.grpc, processor, keys, value });
    tell(bench, "gRPC Set", measure(bench, vec![Load::new(ours, sets)]));
}

/// The rate of the calls, and those with what they took.
fn measure<'a>(bench: &Bench, mut loads: Vec<Load<'a>>) -> (u64, Vec<Load<'a>>) {
    for load in &mut loads {
        let (answers, _) = load.server.awake(|| samples(bench, &load.generator, Pace::Closed));
        load.saturation = answers.count as f64 / bench.scale.short_round.as_secs_f64();
    }
    let slowest = loads.iter().map(|load| load.saturation).fold(f64::INFINITY, f64::min);
    let rate = (slowest / 2.0) as u64;
    for _ in 0..bench.scale.short_rounds {
        for load in &mut loads {
            let pace = Pace::Open { rate };
            let (answers, own) = load.server.awake(|| samples(bench, &load.generator, pace));
            load.answers.add(answers);
            load.own.add(own.expect("a rate was to be kept"));
        }
    }
    (rate, loads)
}

/// What the calls took after a moment to warm up, and how late the load generator was.
fn samples(bench: &Bench, generator: &Generator, pace: Pace) -> (Quantiles, Option<Quantiles>) {
    let span = bench.scale.short_round;
    let mut window = None;
    let samples = generator.run(pace, || {
        sleep_until(now() + span / 3);
        let start = now();
        sleep_until(start + span);
        window = Some(Window { start, end: now() });
    });
    let window = window.expect("it was waited");
    let within =
        |samples: &[Sample]| (!samples.is_empty()).then(|| Quantiles::within(samples, window));
    (within(&samples.answers).expect("calls were answered"), within(&samples.seen))
}

/// Latencies are chance in part: nothing of them is compared with another day's.
fn tell(bench: &Bench, name: &str, (rate, loads): (u64, Vec<Load<'_>>)) {
    let rate = Figure::from(rate as f64).rate();
    for load in &loads {
        let [p50, p99, p999, max] = load.answers.cells();
        let (name, rate) = if load.server.is_ours() { (name, rate.as_str()) } else { ("", "") };
        let (of, own) = (Figure::from(load.saturation).rate(), load.own.p999.millis());
        row(&[name, load.server.name, rate, &of, &p50, &p99, &p999, &max, &own]);
    }
    let (ours, others) = loads.split_first().expect("this server is always measured");
    let redis = others.iter().find(|load| load.server.name == REDIS);
    for (quantile, of) in QUANTILES {
        let row = |name| Measured::lower("latency", name, "ms", &of(&ours.answers));
        let theirs = redis.map(|redis| of(&redis.answers));
        bench.record(row(format!("{name}, {quantile}")).beside(REDIS, theirs.as_ref()));
        for other in others.iter().filter(|load| load.server.name != REDIS) {
            let peer = other.server.name;
            let row = row(format!("{name}, {quantile}, beside {peer}"));
            bench.record(row.beside(peer, Some(&of(&other.answers))));
        }
    }
}

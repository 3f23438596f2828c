//! What a snapshot does to the writes beside it, and to memory.

use kv_bench::{Figure, Measured, Target};

use super::open_loop::{Caller, Pace, Running, Writes};
use crate::Bench;
use crate::child::{Server, directory};
use crate::latency::{Latencies, Quantiles, Window};
use crate::load::{fill, key, value};
use crate::ours::{NO_SNAPSHOTS, Ours};
use crate::redis::Redis;
use crate::report::{row, table};
use crate::time::{now, sleep_until};

/// Values of the keys that are there; key and value together are 75 bytes.
const VALUE_BYTES: usize = 59;

/// Values that are written meanwhile.
const HOT_VALUE_BYTES: usize = 1024;

/// Connections of the load, with one write in flight each.
const CONNECTIONS: usize = 50;

const REDIS: &str =
    "--appendonly yes --appendfsync everysec --save '' --auto-aof-rewrite-percentage 0";

/// Most of the quiet p99.9.
const RATIO_MAX: f64 = 2.0;

/// One of the two, with its name.
enum Peer {
    Ours(Ours),
    Redis(Redis),
}

pub(crate) fn run(bench: &Bench) {
    let scale = &bench.scale;
    println!(
        "{} keys of 75 bytes in all, and {} of 1 KiB that are written at random over {CONNECTIONS} connections",
        scale.snapshot_keys, scale.hot_keys
    );
    println!("ours: kv-server --set {}; kv_client::Client::snapshot", NO_SNAPSHOTS.join(" --set "));
    println!("peer: redis-server {REDIS}; BGSAVE");
    println!(
        "Latency counts from when a write should have been sent. `quiet` lasts {:?} each time.",
        scale.quiet
    );
    println!(
        "Extra memory: ours is the peak of resident memory over that before; Redis's is rdb_last_cow_size.\n"
    );
    let dirs = [directory(), directory()];
    let mut peers = vec![Peer::Ours(Ours::start(dirs[0].path(), &NO_SNAPSHOTS))];
    let redis = bench.redis.as_ref().map(|program| program.start(dirs[1].path(), REDIS));
    peers.extend(redis.map(Peer::Redis));
    for peer in &peers {
        peer.fill(bench);
    }
    table(&[
        "SET of 1 KiB",
        "",
        "p50",
        "p99",
        "p99.9",
        "max",
        "p99.9 to quiet",
        "target",
        "extra memory",
        "snapshot took",
        "SETs a round",
    ]);
    let open = (format!("open loop, {}/s", scale.open_rate), "open loop");
    for ((title, name), pace) in [
        (open, Pace::Open { rate: scale.open_rate }),
        (("closed loop".to_owned(), "closed loop"), Pace::Closed),
    ] {
        let mut results: Vec<Results> = peers.iter().map(|_| Results::default()).collect();
        for _ in 0..scale.snapshot_rounds {
            for (peer, results) in peers.iter().zip(&mut results) {
                peer.round(bench, pace, results);
            }
        }
        for (peer, results) in peers.iter().zip(&results) {
            results.print(&format!("{}, {title}", peer.name()));
            results.record(bench, &format!("{}, {name}", peer.name()));
        }
    }
}

impl Peer {
    fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "kv",
            Self::Redis(_) => "Redis",
        }
    }

    fn server(&self) -> &Server {
        match self {
            Self::Ours(ours) => &ours.server,
            Self::Redis(redis) => &redis.server,
        }
    }

    fn fill(&self, bench: &Bench) {
        let scale = &bench.scale;
        let all = scale.snapshot_keys + scale.hot_keys;
        for (keys, bytes) in
            [(0..scale.snapshot_keys, VALUE_BYTES), (scale.snapshot_keys..all, HOT_VALUE_BYTES)]
        {
            match self {
                Self::Ours(ours) => {
                    bench.runtime.block_on(fill(ours, keys.map(key), &value(bytes)));
                }
                Self::Redis(redis) => redis.connect().fill(keys.map(key), &value(bytes)),
            }
        }
    }

    async fn callers(&self) -> Vec<Caller> {
        let mut callers = Vec::new();
        match self {
            Self::Ours(ours) => {
                callers.extend(ours.clients(CONNECTIONS).await.into_iter().map(Caller::Grpc));
            }
            Self::Redis(redis) => {
                for _ in 0..CONNECTIONS {
                    let stream = tokio::net::TcpStream::connect(("127.0.0.1", redis.port)).await;
                    let stream = stream.unwrap();
                    stream.set_nodelay(true).unwrap();
                    callers.push(Caller::RespSet(stream, Vec::new()));
                }
            }
        }
        callers
    }

    /// Takes a snapshot and waits for its end.
    fn snapshot(&self, bench: &Bench) {
        match self {
            Self::Ours(ours) => {
                bench.runtime.block_on(async { ours.client().await.snapshot().await.unwrap() });
            }
            Self::Redis(redis) => {
                redis.connect().command("BGSAVE");
                redis.wait_for_children();
            }
        }
    }

    /// The same load first without and then with a snapshot.
    fn round(&self, bench: &Bench, pace: Pace, results: &mut Results) {
        let scale = &bench.scale;
        let callers = bench.runtime.block_on(self.callers());
        let value = value(HOT_VALUE_BYTES);
        let writes = Writes { first: scale.snapshot_keys, keys: scale.hot_keys, value };
        let running = Running::start(bench.runtime.handle(), callers, &writes, pace);
        // The first moments warm up.
        sleep_until(now() + scale.quiet / 5);
        let quiet_start = now();
        sleep_until(quiet_start + scale.quiet);
        let quiet = Window { start: quiet_start, end: now() };

        let before = self.server().resident();
        let watch = self.server().watch_resident();
        let start = now();
        self.snapshot(bench);
        let busy = Window { start, end: now() };
        let peak = watch.finish();
        let samples = bench.runtime.block_on(running.stop());

        let extra = match self {
            Self::Ours(_) => peak.saturating_sub(before),
            Self::Redis(redis) => {
                redis.connect().info("persistence", "rdb_last_cow_size").parse().unwrap()
            }
        };
        results.quiet.add(Quantiles::within(&samples, quiet));
        results.busy.add(Quantiles::within(&samples, busy));
        results.extra.add(100.0 * extra as f64 / before as f64);
        results.took.add((busy.end - busy.start).as_secs_f64());
    }
}

/// All rounds of one server under one load.
#[derive(Debug, Default)]
struct Results {
    quiet: Latencies,
    busy: Latencies,
    /// Percent.
    extra: Figure,
    /// Seconds.
    took: Figure,
}

impl Results {
    /// Tails are chance in part: nothing of them is compared with another day's.
    fn record(&self, bench: &Bench, name: &str) {
        let millis = |figure: &Figure| figure.times(1e3);
        let (busy, quiet) = (millis(&self.busy.p999), millis(&self.quiet.p999));
        let target = name.starts_with("kv").then_some(Target::Ratio(RATIO_MAX));
        let tail = Measured::lower("snapshot", format!("{name}, p99.9"), "ms", &busy);
        bench.record(tail.beside("quiet", Some(&quiet)).target(target));
        let memory = format!("{name}, extra memory");
        bench.record(Measured::lower("snapshot", memory, "%", &self.extra));
        let took = format!("{name}, snapshot took");
        bench.record(Measured::lower("snapshot", took, "s", &self.took));
    }

    fn print(&self, name: &str) {
        let [p50, p99, p999, max] = self.quiet.cells();
        let count = format!("{:.0}", self.quiet.count.median());
        row(&[name, "quiet", &p50, &p99, &p999, &max, "", "", "", "", &count]);
        let [p50, p99, p999, max] = self.busy.cells();
        let ratio = format!("{:.2}×", self.busy.p999.median() / self.quiet.p999.median());
        let target = if name.starts_with("kv") { "≤ 2×, ≤ 5 %" } else { "" };
        let extra = format!("{} %", self.extra.text(1.0, 1));
        let took = format!("{} s", self.took.text(1.0, 2));
        let count = format!("{:.0}", self.busy.count.median());
        row(&["", "snapshot", &p50, &p99, &p999, &max, &ratio, target, &extra, &took, &count]);
    }
}

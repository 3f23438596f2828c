//! `bench`: puts a load on a server and measures.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use kv_client::{Client, Stats};

use super::duration;
use crate::bench::{
    self, Change, KeyCount, Load, Mix, Outcome, Plan, Popularity, Preset, Protocol, Report,
};
use crate::failure::Failure;
use crate::limits::{
    BENCH_CONNECTIONS_MAX, BENCH_DEPTH_MAX, BENCH_DURATION_MAX, BENCH_IN_FLIGHT_BYTES_MAX,
    BENCH_KEYS_MAX, BENCH_RATE_MAX, BENCH_REQUESTS_MAX, BENCH_RUNS_MAX, BENCH_THREADS_MAX,
    BENCH_VALUE_BYTES_MAX,
};
use crate::run::Context;
use crate::screen::{Output, notice, plural};

const ABOUT: &str = "\
Put a load on a server and measure

Writes, reads and deletes keys that begin with `bench:`, and nothing else. They stay when it ends.

Without --rate each connection sends its next operations when those before are answered, so that a slow
server is asked less. With --rate operations are due at fixed times, whatever the server does; a latency
counts from when its operation was due, also when it could only be sent later.

Latencies are those of operations that succeeded; the others are counted by kind. Ctrl-C ends the run, and
what was measured is told; a second one does not wait for what is under way.

The same seed, connections, keys and mix give the same operations in the same order, connection by
connection; with --requests also the same number of them.";

/// Put a load on a server and measure
#[derive(Debug, Args)]
#[command(
    long_about = ABOUT,
    after_help = "\
Examples:
  kv-cli bench --fill
  kv-cli bench --pipeline 16 --reads 50% --keys zipf:1.1
  kv-cli bench --protocol http --rate 20000 --duration 30s
  kv-cli bench --target 127.0.0.1:6379 --fill --json
  kv-cli bench --preset shard-contention"
)]
pub(crate) struct Bench {
    /// Whose load it is; options change single parts of it
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// What to speak
    #[arg(long, value_enum, default_value_t = Protocol::Resp)]
    protocol: Protocol,
    /// Where the server listens for that: host:port. Unless told, the host of --addr and the protocol's
    /// usual port
    #[arg(long, value_name = "HOST:PORT")]
    target: Option<String>,
    /// Connections; several numbers, as in 1,2,4, for a run with each [default: 50]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = up_to(BENCH_CONNECTIONS_MAX))]
    connections: Vec<u32>,
    /// Threads that make the load
    #[arg(long, value_name = "N", default_value = "1", value_parser = up_to(BENCH_THREADS_MAX))]
    threads: u32,
    /// Operations that a connection sends at once
    #[arg(long, value_name = "N", default_value = "1", value_parser = up_to(BENCH_DEPTH_MAX))]
    pipeline: u32,
    /// Operations a second over all connections, whatever the server does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=BENCH_RATE_MAX))]
    rate: Option<u64>,
    /// How long to measure [default: 10s, unless --requests is given]
    #[arg(long, value_name = "TIME", value_parser = bounded)]
    duration: Option<Duration>,
    /// How many operations to send
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=BENCH_REQUESTS_MAX))]
    requests: Option<u64>,
    /// How long to send operations before any is counted
    #[arg(long, value_name = "TIME", value_parser = warmup, conflicts_with = "requests")]
    warmup: Option<Duration>,
    /// Write every key first
    #[arg(long)]
    fill: bool,
    /// How many keys there are [default: 100000]
    #[arg(long, value_name = "N", value_parser = up_to(BENCH_KEYS_MAX))]
    key_count: Option<u32>,
    /// Which keys are asked for: uniform, zipf or zipf:EXPONENT [default: uniform]
    #[arg(long, value_name = "HOW")]
    keys: Option<Popularity>,
    /// Bytes of a value [default: 64]
    #[arg(long, value_name = "BYTES", value_parser = up_to(BENCH_VALUE_BYTES_MAX))]
    value_size: Option<u32>,
    /// How many operations of a hundred are reads [default: 90%]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    reads: Option<u8>,
    /// How many are deletes; the rest are writes [default: 0%]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    deletes: Option<u8>,
    /// Let every key that is written end after so long
    #[arg(long, value_name = "TIME", value_parser = bounded)]
    ttl: Option<Duration>,
    /// What all chance follows from [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The same as --output json: an object for each run
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let plans = self.plans(&context.address, context.timeout)?;
        if let Some(preset) = self.preset {
            let scenario = preset.scenario();
            notice(format_args!(
                "preset {} is meant for: kv-server --set {}",
                scenario.name, scenario.server
            ));
        }
        let (mut first, mut failed, mut broken) = (None, 0, 0);
        for plan in plans {
            let asked = self.stats_client(context, &plan)?;
            let before = bench::look(asked.as_ref()).await;
            let outcome = bench::run(plan.clone()).await?;
            let after = bench::look(asked.as_ref()).await;
            let report = self.report(&plan, &outcome, before.as_ref().zip(after.as_ref()), first);
            self.show(context, &report)?;
            first = first.or(Some(report.throughput()));
            failed += outcome.failed();
            broken += outcome.connections_lost();
            if outcome.interrupted() {
                break;
            }
        }
        verdict(failed, broken)
    }

    /// Whom to ask what the server did meanwhile; nobody when it may be another server.
    fn stats_client(&self, context: &Context, plan: &Plan) -> Result<Option<Client>, Failure> {
        if self.target.is_none() {
            return Ok(Some(context.client.clone()));
        }
        if !plan.protocol.is_grpc() {
            return Ok(None);
        }
        let client = Client::builder().address(&plan.target).request_timeout(plan.timeout);
        Ok(Some(client.connect_lazy().map_err(|error| Failure::Client(error.into()))?))
    }

    fn report<'a>(
        &self,
        plan: &'a Plan,
        outcome: &'a Outcome,
        stats: Option<(&Stats, &Stats)>,
        first: Option<f64>,
    ) -> Report<'a> {
        let server = stats.map(|(before, after)| Change::between(before, after));
        let mut report = Report { plan, outcome, server, preset: None };
        if let Some(preset) = self.preset {
            let scenario = preset.scenario();
            let compare = scenario.expectations.iter().map(|one| one.compare(&report, first));
            let findings = compare.collect();
            report.preset = Some((scenario.name, findings));
        }
        report
    }

    fn show(&self, context: &mut Context, report: &Report<'_>) -> Result<(), Failure> {
        let screen = &mut context.screen;
        match screen.output {
            output if self.json || output == Output::Json => screen.json(&report.figures())?,
            Output::Raw => screen.line(format_args!("{:.0}", report.throughput()))?,
            _ => screen.line(report.text())?,
        }
        // The next run of a series may take minutes.
        Ok(screen.flush()?)
    }

    /// A plan for each run.
    fn plans(&self, address: &str, timeout: Duration) -> Result<Vec<Plan>, Failure> {
        let connections = match (self.connections.as_slice(), self.preset) {
            ([], Some(preset)) => preset.scenario().connections,
            ([], None) => &[50],
            (given, _) => given,
        };
        if connections.len() > BENCH_RUNS_MAX {
            return Err(Failure::Usage(format!(
                "--connections has {} numbers: 1 to {BENCH_RUNS_MAX} are allowed",
                connections.len()
            )));
        }
        let target = bench::resolve(self.protocol, self.target.as_deref(), address)?;
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        let plan = |connections: &u32| self.plan(*connections, target.clone(), timeout, seed);
        connections.iter().map(plan).collect()
    }

    fn plan(
        &self,
        connections: u32,
        target: String,
        timeout: Duration,
        seed: u64,
    ) -> Result<Plan, Failure> {
        let scenario = self.preset.map(Preset::scenario);
        let duration = scenario.map_or(Duration::from_secs(10), |scenario| scenario.duration);
        let duration = self.duration.or_else(|| self.requests.is_none().then_some(duration));
        let warmup = scenario.filter(|_| self.requests.is_none()).map(|_| bench::WARMUP);
        let plan = Plan {
            protocol: self.protocol,
            target,
            connections,
            threads: self.threads.min(connections),
            depth: self.pipeline,
            rate: self.rate,
            requests: self.requests,
            duration,
            warmup: self.warmup.or(warmup).unwrap_or_default(),
            timeout,
            fill: self.fill || scenario.is_some(),
            load: self.load(connections, seed)?,
        };
        check(&plan)?;
        Ok(plan)
    }

    fn load(&self, connections: u32, seed: u64) -> Result<Load, Failure> {
        let scenario = self.preset.map(Preset::scenario);
        let keys = scenario.map_or(KeyCount::All(100_000), |scenario| scenario.keys);
        let mix = scenario.map_or(Mix { reads: 90, deletes: 0 }, |scenario| scenario.mix);
        let popularity = scenario.map_or(Popularity::Uniform, |scenario| scenario.popularity);
        let mix = Mix {
            reads: self.reads.unwrap_or(mix.reads),
            deletes: self.deletes.unwrap_or(mix.deletes),
        };
        if mix.reads + mix.deletes > 100 {
            return Err(Failure::Usage(format!(
                "--reads {}% and --deletes {}% are more than everything: 0% to 100% are allowed \
                 together",
                mix.reads, mix.deletes
            )));
        }
        Ok(Load {
            keys: self.key_count.unwrap_or_else(|| keys.with(connections)),
            popularity: self.keys.unwrap_or(popularity),
            mix,
            value_bytes: self
                .value_size
                .unwrap_or_else(|| scenario.map_or(64, |scenario| scenario.value_bytes)),
            ttl: self.ttl.or_else(|| scenario.and_then(|scenario| scenario.ttl)),
            seed,
        })
    }
}

/// What no option alone can be wrong about.
fn check(plan: &Plan) -> Result<(), Failure> {
    if plan.protocol == Protocol::Http && plan.depth > 1 {
        let depth = plan.depth;
        return Err(Failure::Usage(format!(
            "--pipeline {depth} is not possible over HTTP/1.1: 1 is allowed"
        )));
    }
    let depth = if plan.fill { plan.depth.max(plan.protocol.fill_depth()) } else { plan.depth };
    let in_flight =
        u64::from(plan.connections) * u64::from(depth) * u64::from(plan.load.value_bytes);
    if in_flight > BENCH_IN_FLIGHT_BYTES_MAX {
        return Err(Failure::Usage(format!(
            "{} connections with {depth} values of {} bytes each have {in_flight} bytes in flight: \
             up to {BENCH_IN_FLIGHT_BYTES_MAX} are allowed",
            plan.connections, plan.load.value_bytes
        )));
    }
    Ok(())
}

/// What the exit code says, after the results were told.
fn verdict(failed: u64, connections_lost: u64) -> Result<(), Failure> {
    if connections_lost > 0 {
        let lost = plural(connections_lost, "connection");
        return Err(Failure::Broken(format!("{lost} broke and could not be opened again")));
    }
    if failed > 0 {
        return Err(Failure::Refused(format!("{} failed", plural(failed, "operation"))));
    }
    Ok(())
}

/// A number from 1 on.
fn up_to(max: u32) -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=max.into())
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    let allowed = || "0% to 100% are allowed, in whole numbers".to_owned();
    number.filter(|percent| *percent <= 100).ok_or_else(allowed)
}

fn bounded(text: &str) -> Result<Duration, String> {
    let time = warmup(text)?;
    if time < Duration::from_millis(1) {
        return Err(out_of_bounds("1ms"));
    }
    Ok(time)
}

fn warmup(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time > BENCH_DURATION_MAX {
        return Err(out_of_bounds("0s"));
    }
    Ok(time)
}

fn out_of_bounds(least: &str) -> String {
    let most = humantime::format_duration(BENCH_DURATION_MAX);
    format!("{least} to {most} are allowed")
}

//! The results of a run, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::expectation::Finding;
use super::latency::Latency;
use super::load::Kind;
use super::plan::Plan;
use super::run::Outcome;
use super::server::Change;
use crate::screen::{plural, ttl_ms};
use crate::table::Table;

/// The parts of all operations whose longest latency is told.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// Everything that is known of a run after it.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) outcome: &'a Outcome,
    /// What the server says it did meanwhile, where it was asked.
    pub(crate) server: Option<Change>,
    /// The preset, and what its author expected.
    pub(crate) preset: Option<(&'static str, Vec<Finding>)>,
}

/// So many in so much time, as a number per second.
#[expect(clippy::cast_precision_loss, reason = "a rate is told with three digits or so")]
pub(super) fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

fn millis(time: Duration) -> f64 {
    // Nanoseconds are noise, and make numbers hard to read.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Report<'_> {
    /// Operations that were answered, per second.
    pub(crate) fn throughput(&self) -> f64 {
        per_second(self.outcome.tally.of_all().count(), self.outcome.elapsed)
    }

    /// The results for people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a String takes all that is written");
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "{}", self.headline())?;
        self.write_fill(text)?;
        writeln!(text)?;
        text.push_str(&self.table());
        writeln!(text)?;
        self.write_counts(text)?;
        self.write_expectations(text)
    }

    /// What was done.
    fn headline(&self) -> String {
        let Plan { protocol, target, connections, threads, depth, load, .. } = self.plan;
        let pace = match self.plan.rate {
            Some(rate) => format!("open loop at {rate} operations/s"),
            None => "closed loop".to_owned(),
        };
        let ttl = load.ttl.map(|ttl| format!(", TTL {}", humantime::format_duration(ttl)));
        format!(
            "{} at {target}: {}, {}, pipeline {depth}, {pace}\n{} ({}), values of {} bytes{}, \
             {} % reads, {} % deletes, seed {}",
            protocol.name(),
            plural((*connections).into(), "connection"),
            plural((*threads).into(), "thread"),
            plural(load.keys.into(), "key"),
            load.popularity,
            load.value_bytes,
            ttl.unwrap_or_default(),
            load.mix.reads,
            load.mix.deletes,
            load.seed,
        )
    }

    fn write_fill(&self, text: &mut String) -> fmt::Result {
        let Some(fill) = &self.outcome.fill else { return Ok(()) };
        let keys = plural(self.plan.load.keys.into(), "key");
        write!(text, "filled in {keys} in {:.2} s", fill.elapsed.as_secs_f64())?;
        match fill.refused.count() {
            0 => writeln!(text),
            refused => writeln!(text, ", {refused} of them refused"),
        }
    }

    fn table(&self) -> String {
        let mut table = Table::new([
            "",
            "COUNT",
            "PER SECOND",
            "P50 MS",
            "P90 MS",
            "P99 MS",
            "P99.9 MS",
            "MAX MS",
        ]);
        let (tally, elapsed) = (&self.outcome.tally, self.outcome.elapsed);
        let mut row = |name: &str, latency: &Latency| {
            let [p50, p90, p99, p999] =
                QUANTILES.map(|part| format!("{:.3}", millis(latency.quantile(part))));
            let rate = format!("{:.0}", per_second(latency.count(), elapsed));
            let max = format!("{:.3}", millis(latency.max()));
            table.row([
                name.to_owned(),
                latency.count().to_string(),
                rate,
                p50,
                p90,
                p99,
                p999,
                max,
            ]);
        };
        for kind in Kind::ALL {
            let latency = tally.of(kind);
            if latency.count() > 0 {
                row(kind.name(), latency);
            }
        }
        row("all", &tally.of_all());
        let mut out = Vec::new();
        table.write(&mut out).expect("a Vec takes all that is written");
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write_counts(&self, text: &mut String) -> fmt::Result {
        let (tally, elapsed) = (&self.outcome.tally, self.outcome.elapsed.as_secs_f64());
        let interrupted = if self.outcome.interrupted { ", interrupted" } else { "" };
        writeln!(text, "counted for {elapsed:.2} s{interrupted}")?;
        if tally.hits + tally.misses > 0 {
            writeln!(text, "reads: {} hits, {} misses", tally.hits, tally.misses)?;
        }
        writeln!(text, "errors: {}", tally.errors.count())?;
        for (kind, count) in tally.errors.by_kind() {
            writeln!(text, "  {count} {kind}")?;
        }
        if tally.connections_lost > 0 {
            let lost = plural(tally.connections_lost, "connection");
            writeln!(text, "{lost} broke and could not be opened again")?;
        }
        if tally.unsent > 0 {
            writeln!(
                text,
                "the server did not keep up: {} due operations were never sent, and are in no latency",
                tally.unsent
            )?;
        }
        self.server.iter().try_for_each(|server| writeln!(text, "{server}"))
    }

    fn write_expectations(&self, text: &mut String) -> fmt::Result {
        let Some((name, findings)) = &self.preset else { return Ok(()) };
        let mut table = Table::new(["EXPECTATION", "PUBLISHED", "MEASURED", "MET"]);
        for finding in findings {
            let met = finding.met.map_or("-", |met| if met { "yes" } else { "no" });
            let cells = [finding.what, finding.published, &finding.measured, met];
            table.row(cells.map(str::to_owned));
        }
        let mut out = Vec::new();
        table.write(&mut out).expect("a Vec takes all that is written");
        writeln!(text, "\npreset {name}, beside what KVMemo's benchmark specification expects:")?;
        text.push_str(&String::from_utf8_lossy(&out));
        Ok(())
    }

    /// The results for programs.
    pub(crate) fn figures(&self) -> impl Serialize + '_ {
        let (plan, outcome) = (self.plan, self.outcome);
        let (load, tally) = (&plan.load, &outcome.tally);
        let latency = Kind::ALL.map(|kind| (kind.name(), tally.of(kind).clone())).into_iter();
        let latency = latency.filter(|(_, latency)| latency.count() > 0);
        let latency = latency.chain([("all", tally.of_all())]);
        Figures {
            protocol: plan.protocol.name(),
            target: &plan.target,
            connections: plan.connections,
            threads: plan.threads,
            pipeline: plan.depth,
            rate: plan.rate,
            keys: load.keys,
            popularity: load.popularity.to_string(),
            value_bytes: load.value_bytes,
            reads_percent: load.mix.reads,
            deletes_percent: load.mix.deletes,
            ttl_ms: ttl_ms(load.ttl),
            seed: load.seed,
            interrupted: outcome.interrupted,
            fill_seconds: outcome.fill.as_ref().map(|fill| fill.elapsed.as_secs_f64()),
            fill_refused: outcome.fill.as_ref().map(|fill| fill.refused.count()),
            seconds: outcome.elapsed.as_secs_f64(),
            per_second: self.throughput(),
            latency_ms: latency.map(|(name, latency)| (name, Percentiles::of(&latency))).collect(),
            hits: tally.hits,
            misses: tally.misses,
            errors: tally.errors.by_kind(),
            unsent: tally.unsent,
            connections_lost: tally.connections_lost,
            server: self.server,
            preset: self.preset.as_ref().map(|(name, _)| *name),
            expectations: self.preset.as_ref().map(|(_, findings)| findings.as_slice()),
        }
    }
}

#[derive(Serialize)]
struct Figures<'a> {
    protocol: &'static str,
    target: &'a str,
    connections: u32,
    threads: u32,
    pipeline: u32,
    rate: Option<u64>,
    keys: u32,
    popularity: String,
    value_bytes: u32,
    reads_percent: u8,
    deletes_percent: u8,
    ttl_ms: Option<u64>,
    seed: u64,
    interrupted: bool,
    fill_seconds: Option<f64>,
    fill_refused: Option<u64>,
    seconds: f64,
    per_second: f64,
    latency_ms: BTreeMap<&'static str, Percentiles>,
    hits: u64,
    misses: u64,
    errors: &'a BTreeMap<String, u64>,
    unsent: u64,
    connections_lost: u64,
    server: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expectations: Option<&'a [Finding]>,
}

#[derive(Serialize)]
struct Percentiles {
    count: u64,
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

impl Percentiles {
    fn of(latency: &Latency) -> Self {
        let [p50, p90, p99, p99_9] = QUANTILES.map(|part| millis(latency.quantile(part)));
        Self { count: latency.count(), p50, p90, p99, p99_9, max: millis(latency.max()) }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::bench::keys::Popularity;
    use crate::bench::load::{Load, Mix};
    use crate::bench::plan::Protocol;
    use crate::bench::preset::Preset;
    use crate::bench::tally::{Answer, Tally};

    fn plan() -> Plan {
        Plan {
            protocol: Protocol::Resp,
            target: "127.0.0.1:7379".to_owned(),
            connections: 50,
            threads: 1,
            depth: 16,
            rate: None,
            requests: None,
            duration: Some(Duration::from_secs(2)),
            warmup: Duration::ZERO,
            timeout: Duration::from_secs(5),
            fill: false,
            load: Load {
                keys: 1000,
                popularity: Popularity::Zipf { exponent: 1.1 },
                mix: Mix { reads: 75, deletes: 0 },
                value_bytes: 64,
                ttl: Some(Duration::from_secs(30)),
                seed: 4711,
            },
        }
    }

    fn outcome() -> Outcome {
        let mut tally = Tally::new();
        for micros in 1..=300 {
            let answer = if micros <= 10 { Answer::Missed } else { Answer::Done };
            tally.count(Kind::Read, &answer, Duration::from_micros(micros));
        }
        for micros in 1..=100 {
            tally.count(Kind::Write, &Answer::Done, Duration::from_micros(micros * 100));
        }
        for _ in 0..3 {
            tally.count(Kind::Write, &Answer::Failed("OOM".into()), Duration::from_secs(9));
        }
        tally.unsent = 2;
        Outcome { tally, elapsed: Duration::from_secs(2), fill: None, interrupted: false }
    }

    #[test]
    fn people_see_a_table_and_what_went_wrong() {
        let (plan, outcome) = (plan(), outcome());
        let server = Some(Change {
            evicted_keys: 5,
            expired_keys: 6,
            memory_used_bytes: 7,
            memory_limit_bytes: 0,
        });
        let mut report = Report { plan: &plan, outcome: &outcome, server, preset: None };
        let expectations = Preset::Baseline.scenario().expectations.iter();
        let findings = expectations.map(|one| one.compare(&report, None)).collect();
        report.preset = Some(("baseline", findings));
        expect![["
            resp at 127.0.0.1:7379: 50 connections, 1 thread, pipeline 16, closed loop
            1000 keys (zipf:1.1), values of 64 bytes, TTL 30s, 75 % reads, 0 % deletes, seed 4711

                   COUNT  PER SECOND  P50 MS  P90 MS  P99 MS  P99.9 MS  MAX MS
            read   300    150         0.150   0.270   0.297   0.300     0.300
            write  100    50          5.001   9.003   9.904   10.002    10.002
            all    400    200         0.199   6.001   9.601   10.002    10.002

            counted for 2.00 s
            reads: 290 hits, 10 misses
            errors: 3
              3 OOM
            the server did not keep up: 2 due operations were never sent, and are in no latency
            server: 5 keys evicted, 6 expired, 7 bytes used (no limit)

            preset baseline, beside what KVMemo's benchmark specification expects:
            EXPECTATION   PUBLISHED  MEASURED  MET
            SET p99       < 5 ms     9.904 ms  no
            GET p99       < 2 ms     0.297 ms  yes
            operations/s  > 50,000   200       no
            evictions     0          5 keys    no
        "]]
        .assert_eq(&report.text());
    }

    #[test]
    fn programs_get_every_figure() {
        let (plan, outcome) = (plan(), outcome());
        let report = Report { plan: &plan, outcome: &outcome, server: None, preset: None };
        let json = serde_json::to_string(&report.figures()).unwrap();
        expect![[r#"{"protocol":"resp","target":"127.0.0.1:7379","connections":50,"threads":1,"pipeline":16,"rate":null,"keys":1000,"popularity":"zipf:1.1","value_bytes":64,"reads_percent":75,"deletes_percent":0,"ttl_ms":30000,"seed":4711,"interrupted":false,"fill_seconds":null,"fill_refused":null,"seconds":2.0,"per_second":200.0,"latency_ms":{"all":{"count":400,"p50":0.199,"p90":6.001,"p99":9.601,"p99_9":10.002,"max":10.002},"read":{"count":300,"p50":0.15,"p90":0.27,"p99":0.297,"p99_9":0.3,"max":0.3},"write":{"count":100,"p50":5.001,"p90":9.003,"p99":9.904,"p99_9":10.002,"max":10.002}},"hits":290,"misses":10,"errors":{"OOM":3},"unsent":2,"connections_lost":0,"server":null}"#]].assert_eq(&json);
    }

    #[test]
    fn a_rate_of_no_time_is_no_number_of_infinity() {
        assert!(per_second(5, Duration::ZERO).abs() < f64::EPSILON);
        assert!((per_second(5, Duration::from_millis(500)) - 10.0).abs() < f64::EPSILON);
    }
}

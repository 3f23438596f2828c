//! One of the servers that are compared: its rates, and what they cost it.

use kv_bench::{Compare, Figure, Measured, Target};

use crate::Bench;
use crate::child::Server;
use crate::time::now;

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

    /// How many times the other's rate this one's is.
    pub(crate) fn ratio(&self, other: &Self) -> String {
        format!("{:.2}×", self.rate.median() / other.rate.median())
    }

    /// Puts rate and processor time on record, beside those of Redis if it is there.
    pub(crate) fn record(
        &self,
        bench: &Bench,
        (section, name): (&str, &str),
        redis: Option<&Self>,
        target: Option<f64>,
    ) {
        let rate = Measured::higher(section, name, "ops/s", &self.rate)
            .beside("Redis", redis.map(|redis| &redis.rate));
        let cpu = |side: &Self| side.cpu.times(1e6);
        let name = format!("{name}, server CPU");
        let cost = Measured::lower(section, name, "µs/op", &cpu(self))
            .beside("Redis", redis.map(cpu).as_ref());
        bench.record(rate.target(target.map(Target::Ratio)).compare(Compare::Ratio));
        bench.record(cost.compare(Compare::Ratio));
    }
}

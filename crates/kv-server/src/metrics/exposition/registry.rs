//! Plain numbers: tables that say how each is called and read, and the registry that shows them.
//!
//! Everything that is not counted per request goes through the `metrics` facade to the Prometheus exporter. The
//! facade's recorder is this server's own, not the process's: there may be several servers in one.

use std::fmt;

use metrics::{Key, KeyName, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

const METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// One metric: how it is called, and how it is read from `S`.
pub(super) struct Row<S> {
    name: &'static str,
    help: &'static str,
    read: Read<S>,
}

/// How a metric is read.
enum Read<S> {
    /// Only grows.
    Counter(fn(&S) -> u64),
    /// Goes up and down; not shown as long as there is nothing to show.
    Gauge(fn(&S) -> Option<f64>),
}

/// A number that only grows. By convention its name ends in `_total`.
pub(super) const fn counter<S>(
    name: &'static str,
    help: &'static str,
    read: fn(&S) -> u64,
) -> Row<S> {
    Row { name, help, read: Read::Counter(read) }
}

/// A number that goes up and down, and is not shown before it is known.
pub(super) const fn gauge<S>(
    name: &'static str,
    help: &'static str,
    read: fn(&S) -> Option<f64>,
) -> Row<S> {
    Row { name, help, read: Read::Gauge(read) }
}

/// A count as a gauge shows it: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// A count as a gauge that is always known.
#[expect(clippy::unnecessary_wraps, reason = "what rows are read with")]
pub(super) fn known(count: u64) -> Option<f64> {
    Some(float(count))
}

/// Shows plain numbers.
pub(super) struct Registry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    pub(super) fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// Tells what the metrics of a table mean. To be done once.
    pub(super) fn describe<S>(&self, rows: &[Row<S>]) {
        for Row { name, help, read } in rows {
            let (name, help) = (KeyName::from_const_str(name), (*help).into());
            match read {
                Read::Counter(_) => self.recorder.describe_counter(name, None, help),
                Read::Gauge(_) => self.recorder.describe_gauge(name, None, help),
            }
        }
    }

    /// Reads the metrics of a table.
    pub(super) fn read<S>(&self, rows: &[Row<S>], source: &S) {
        for Row { name, read, .. } in rows {
            let key = Key::from_static_name(name);
            match read {
                Read::Counter(read) => {
                    self.recorder.register_counter(&key, &METADATA).absolute(read(source));
                }
                Read::Gauge(read) => {
                    if let Some(value) = read(source) {
                        self.recorder.register_gauge(&key, &METADATA).set(value);
                    }
                }
            }
        }
    }

    /// Everything that was read, in Prometheus's text format.
    pub(super) fn text(&self) -> String {
        self.handle.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Row<Option<u64>>; 3] = [
        counter("a_total", "Grows.", |source| source.unwrap_or(7)),
        gauge("b", "Known.", |source| known(source.unwrap_or(9))),
        gauge("c", "Known sometimes.", |source| source.map(float)),
    ];

    #[test]
    fn rows_are_described_and_read() {
        let registry = Registry::new();
        registry.describe(&ROWS);
        registry.read(&ROWS, &None);
        let text = registry.text();
        for line in ["# HELP a_total Grows.", "# TYPE a_total counter", "a_total 7", "b 9"] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
        assert!(!text.contains("# TYPE c"), "what is not known is not shown:\n{text}");
        registry.read(&ROWS, &Some(10));
        let text = registry.text();
        for line in ["a_total 10", "# TYPE c gauge", "c 10"] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
    }
}

//! What there is to see: which path shows what.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Response, StatusCode};
use kv_core::JournalError;
use serde_json::{Value, json};

use super::page::Page;
use crate::build_info::BuildInfo;
use crate::gate::Gate;
use crate::metrics::{self, Exposition};
use crate::readiness::Loading;
use crate::serving::State;

const INDEX: &str = "\
kv

/metrics  what the server counts and measures, for Prometheus
/healthz  whether the process lives
/readyz   whether it takes requests, and if not, why
/slow     the latest slow requests, and where their time went
/version  what it was built from
";

/// The pages of one server.
pub(super) struct Pages {
    gate: Arc<Gate>,
    metrics: Exposition,
    version: Value,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

impl Pages {
    pub(super) fn new(gate: Arc<Gate>, build: BuildInfo) -> Self {
        let version = version(&build);
        Self { metrics: Exposition::new(Arc::clone(&gate), build), gate, version }
    }

    /// The answer to one request.
    pub(super) fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let show: fn(&Self) -> Page = match path {
            "/" => |_| Page::text(INDEX),
            "/metrics" => |pages| Page::new(metrics::CONTENT_TYPE, pages.metrics.text()),
            "/healthz" => |_| Page::text("ok\n"),
            "/readyz" => Self::ready,
            "/slow" => |pages| Page::json(&pages.gate.slow().shown()),
            "/version" => |pages| Page::json(&pages.version),
            _ => {
                return Page::text("not found: / lists what there is\n")
                    .status(StatusCode::NOT_FOUND)
                    .into();
            }
        };
        if [Method::GET, Method::HEAD].contains(method) {
            return show(self).into();
        }
        let refusal = Page::text("method not allowed: GET and HEAD are\n");
        let mut response: Response<_> = refusal.status(StatusCode::METHOD_NOT_ALLOWED).into();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        response
    }

    /// Whether the server takes requests, and if not, why.
    fn ready(&self) -> Page {
        let state = self.gate.serving().state();
        let answer = match state {
            State::Serving => return Page::json(&json!({ "ready": true, "state": state.name() })),
            State::Loading => {
                let Loading { percent, text } = self.gate.open().err().unwrap_or_default();
                let doing = if text.is_empty() { "loading what was kept" } else { &text };
                let reason = format!("{doing}: {percent} %");
                json!({ "ready": false, "state": state.name(), "percent": percent, "reason": reason })
            }
            State::Failed => refusal(state, &failure(self.gate.store().progress().health())),
            State::Draining => refusal(state, "the server is shutting down"),
        };
        Page::json(&answer).status(StatusCode::SERVICE_UNAVAILABLE)
    }
}

fn refusal(state: State, reason: &str) -> Value {
    json!({ "ready": false, "state": state.name(), "reason": reason })
}

fn failure(health: Result<(), JournalError>) -> String {
    let reason = health.err().map(|error| error.to_string()).unwrap_or_default();
    format!("{reason}; reads go on, writes are refused until a restart")
}

/// What `/version` shows.
fn version(build: &BuildInfo) -> Value {
    let BuildInfo { version, git_commit, built_at, rustc, target, profile, features, formats } =
        build;
    let formats: serde_json::Map<String, Value> =
        formats.iter().map(|(kind, version)| ((*kind).to_owned(), (*version).into())).collect();
    json!({
        "name": "kv-server",
        "version": version,
        "git_commit": git_commit,
        "built_at": built_at,
        "rustc": rustc,
        "target": target,
        "profile": profile,
        "features": features,
        "formats": formats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_what_bug_reports_need() {
        let version = version(&BuildInfo::new(vec![("log", 1), ("snapshot", 2)]));
        assert_eq!(version["formats"], json!({ "log": 1, "snapshot": 2 }));
        for key in ["name", "version", "git_commit", "built_at", "rustc", "target", "profile"] {
            assert!(version.get(key).is_some(), "{key} is not in {version}");
        }
    }
}

//! The binary's life: ready, signalled, drained, gone, with the exit codes it documents.

use kv_proto::v1::{PipelineRequest, ScanRequest, ScanResponse};
use tempfile::TempDir;
use tonic::{Code, Streaming};

use crate::support::{Process, batch, binary, connect_to, increment_op, refused, set, within};

fn data_dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[tokio::test]
async fn sigterm_finishes_a_pipeline_and_a_scan_in_flight_and_exits_0() {
    let dir = data_dir();
    let server = Process::start(dir.path(), &[]);
    let mut kv = connect_to(server.addr()).await;
    for number in 0..40 {
        kv.set(set(format!("k{number}"), vec![b'v'; 1 << 20])).await.unwrap();
    }
    let (requests, outbound) = tokio::sync::mpsc::channel(1);
    let outbound = tokio_stream::wrappers::ReceiverStream::new(outbound);
    let request = |tag| PipelineRequest { batch: Some(batch(false, vec![increment_op("n")])), tag };
    requests.send(request(1)).await.unwrap();
    let mut answers = kv.pipeline(outbound).await.unwrap().into_inner();
    assert_eq!(within(answers.message()).await.unwrap().unwrap().tag, 1);
    let scan = ScanRequest { values: true, ..Default::default() };
    let mut pages = kv.scan(scan).await.unwrap().into_inner();
    let mut found = within(pages.message()).await.unwrap().unwrap().entries.len();

    server.signal("TERM");
    server.log("draining");
    let end = within(answers.message()).await;
    refused(end, Code::Unavailable, "SHUTTING_DOWN", &["shutting down"]);
    while let Some(page) = within(pages.message()).await.expect("the scan goes on") {
        found += page.entries.len();
    }
    assert_eq!(found, 41, "40 values and the number");
    server.log("connections_cut=0");
    assert_eq!(server.exit_code(), Some(0));
}

#[tokio::test]
async fn what_outlasts_the_drain_timeout_is_cut_with_a_warning_and_exit_0() {
    let dir = data_dir();
    let server = Process::start(dir.path(), &["server.drain_timeout=100ms"]);
    let _pages = scan_in_flight(&server).await;
    server.signal("INT");
    let warning = server.log("connections cut");
    assert!(warning.contains("WARN") && warning.contains("cut=1"), "{warning}");
    assert_eq!(server.exit_code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_exits_1_at_once() {
    let dir = data_dir();
    let server = Process::start(dir.path(), &["server.drain_timeout=1h"]);
    let _pages = scan_in_flight(&server).await;
    server.signal("TERM");
    server.log("draining");
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(1));
}

#[test]
fn a_start_without_persistence_warns_and_logs_json_when_asked() {
    let dir = data_dir();
    let mut command = binary();
    command.current_dir(dir.path()).args(["--set", "persist.enabled=false"]);
    for listener in ["server.resp_addr=", "server.http_addr=", "server.admin_addr="] {
        command.args(["--set", listener]);
    }
    command.args(["--set", "server.grpc_addr=127.0.0.1:0"]);
    command.args(["--set", "log.format=json", "--set", "server.drain_timeout=0s"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(stderr).map(Result::unwrap);
    let start: Vec<String> = lines.by_ref().take(3).collect();
    for (line, text) in start.iter().zip([
        "data is lost when the server stops",
        "\"addr\":\"127.0.0.1:",
        "\"ready\"",
    ]) {
        assert!(line.starts_with('{') && line.ends_with('}') && line.contains(text), "{line}");
    }
    assert!(dir.path().join("kv-data/LOCK").exists(), "the default data directory");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn help_documents_the_exit_codes_and_version_is_told() {
    let help = binary().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for word in ["--config", "--data-dir", "--set", "--check-config", "Exit codes:", "KV__"] {
        assert!(text.contains(word), "{text} lacks {word}");
    }
    let version = binary().arg("--version").output().unwrap();
    let wanted = concat!("kv-server ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(version.stdout).unwrap(), wanted);
}

/// A scan whose first page has been read, and whose other pages are more than fits in flight.
async fn scan_in_flight(server: &Process) -> Streaming<ScanResponse> {
    let mut kv = connect_to(server.addr()).await;
    for number in 0..40 {
        kv.set(set(format!("k{number}"), vec![b'v'; 1 << 20])).await.expect("room for a value");
    }
    let scan = ScanRequest { values: true, ..Default::default() };
    let mut pages = kv.scan(scan).await.expect("a scan").into_inner();
    within(pages.message()).await.expect("a stream").expect("a first page");
    pages
}

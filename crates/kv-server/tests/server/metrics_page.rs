//! `/metrics`: the format, what is counted, and that `docs/metrics.md` documents exactly what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use kv_proto::v1::admin_client::AdminClient;
use kv_proto::v1::{GetRequest, PipelineRequest, ScanRequest, SnapshotRequest};
use kv_server::testing::TestServer;

use crate::support::exposition::{Family, parse};
use crate::support::page::get as page;
use crate::support::{
    Kv, Process, batch, bytes, channel, connect, connect_to, get, get_op, increment, set,
};

const DOCUMENTATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");

/// Metrics of a server that keeps data on disk, has taken a snapshot, and was asked for everything.
async fn full_page() -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let process = Process::start(dir.path(), &[]);
    let mut kv = connect_to(process.addr()).await;
    use_everything(&mut kv).await;
    let mut admin = AdminClient::new(channel(process.addr()).await);
    admin.snapshot(SnapshotRequest {}).await.expect("an answer");
    page(process.socket_addr_of("admin"), "/metrics").body
}

async fn use_everything(kv: &mut Kv) {
    kv.set(set("k", "v")).await.expect("an answer");
    get(kv, "k").await;
    let request = PipelineRequest { batch: Some(batch(false, vec![get_op("k")])), tag: 0 };
    let mut answers =
        kv.pipeline(tokio_stream::iter([request])).await.expect("an answer").into_inner();
    while answers.message().await.expect("an answer").is_some() {}
    let mut pages = kv.scan(ScanRequest::default()).await.expect("an answer").into_inner();
    while pages.message().await.expect("an answer").is_some() {}
}

/// The value of one series that counts; zero when it is not shown.
#[expect(clippy::cast_possible_truncation, reason = "counts are whole numbers")]
fn value(families: &BTreeMap<String, Family>, name: &str, labels: &[(&str, &str)]) -> i64 {
    let family = name.strip_suffix("_count").unwrap_or(name);
    let has_all = |found: &BTreeMap<String, String>| {
        labels.iter().all(|(label, value)| found.get(*label).is_some_and(|found| found == value))
    };
    let samples = &families.get(family).expect(name).samples;
    let mut found = samples.iter().filter(|sample| sample.name == name && has_all(&sample.labels));
    let value = found.next().map_or(0.0, |sample| sample.value);
    assert!(found.next().is_none(), "{name}{labels:?} is more than one series");
    value as i64
}

#[tokio::test]
async fn the_page_is_what_prometheus_expects() {
    let text = full_page().await;
    let families = parse(&text);
    assert!(families.len() > 40, "{:?}", families.keys());
    match promtool(&text) {
        Some(Ok(())) => {}
        Some(Err(complaint)) => panic!("promtool check metrics: {complaint}\n{text}"),
        None => println!("SKIPPED: promtool is not installed"),
    }
}

/// What `promtool check metrics` says; `None` when there is none.
fn promtool(text: &str) -> Option<Result<(), String>> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().ok()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(text.as_bytes()).expect("it reads everything");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let is_content = output.status.success() && said.is_empty();
    Some(if is_content { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) })
}

/// A row of the documentation's tables: type, labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(Path::new(DOCUMENTATION)).expect("docs/metrics.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert!(
            cells.len() == 7 && cells.iter().skip(1).take(5).all(|cell| !cell.is_empty()),
            "{line}"
        );
        let [_, name, kind, labels, ..] = cells.as_slice() else { unreachable!("seven cells") };
        let plain = |cell: &str| cell.trim_matches('`').to_owned();
        let labels =
            labels.split(", ").map(plain).filter(|label| !label.is_empty() && label != "–");
        (plain(name), ((*kind).to_owned(), labels.collect()))
    };
    text.lines().filter(|line| line.starts_with("| `kv_")).map(row).collect()
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "other systems tell less of the process")]
async fn the_documentation_and_the_page_have_the_same_metrics() {
    let families = parse(&full_page().await);
    let documented = documented();
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<BTreeSet<String>>();
    let (shown, told) = (names(families.keys().collect()), names(documented.keys().collect()));
    assert_eq!(shown.difference(&told).collect::<Vec<_>>(), [""; 0], "not documented");
    assert_eq!(told.difference(&shown).collect::<Vec<_>>(), [""; 0], "documented and not shown");
    for (name, family) in &families {
        let (kind, labels) = &documented[name];
        assert_eq!(kind, &family.kind, "{name}");
        for sample in &family.samples {
            let mut found: BTreeSet<String> = sample.labels.keys().cloned().collect();
            found.remove("le");
            assert_eq!(&found, labels, "labels of {name}");
        }
    }
}

#[tokio::test]
async fn grpc_is_counted_by_operation_and_error() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for _ in 0..3 {
        kv.set(set("k", "v")).await.unwrap();
    }
    get(&mut kv, "k").await;
    use_everything(&mut kv).await;
    kv.increment(increment("k")).await.unwrap_err();
    kv.get(GetRequest::default()).await.unwrap_err();
    kv.batch_write(batch(false, vec![get_op("k"), get_op("")])).await.unwrap();
    let families = parse(&page(server.socket_addr_of("admin"), "/metrics").body);
    for (operation, count) in [
        ("set", 4),
        ("get", 3),
        ("pipeline", 1),
        ("scan", 1),
        ("increment", 1),
        ("batch_write", 1),
        ("delete", 0),
    ] {
        let labels = [("protocol", "grpc"), ("operation", operation)];
        assert_eq!(value(&families, "kv_requests_total", &labels), count, "{operation}");
        let timed = value(&families, "kv_request_duration_seconds_count", &labels);
        assert_eq!(timed, count, "{operation}");
    }
    for (kind, count) in [("invalid", 2), ("state", 1), ("unavailable", 0)] {
        let labels = [("protocol", "grpc"), ("kind", kind)];
        assert_eq!(value(&families, "kv_request_errors_total", &labels), count, "{kind}");
    }
    let grpc = [("protocol", "grpc")];
    for name in ["kv_received_bytes_total", "kv_sent_bytes_total"] {
        assert!(value(&families, name, &grpc) > 500, "{name}");
    }
    assert_eq!(value(&families, "kv_connections", &grpc), 1);
    assert_eq!(value(&families, "kv_connections_accepted_total", &grpc), 1);
    assert_eq!(value(&families, "kv_writes_total", &[]), 4);
    assert_eq!(value(&families, "kv_keys", &[]), 1);
}

#[tokio::test]
async fn while_loading_only_the_server_itself_is_told_of() {
    use kv_server::{Backend, Readiness};
    let store = crate::loading::untouchable();
    let backend = Backend::new(store).readiness(Readiness::loading());
    let server = TestServer::start_backend(backend, |_config| {});
    let mut kv = connect(&server).await;
    kv.get(GetRequest { key: bytes("k") }).await.unwrap_err();
    let families = parse(&page(server.socket_addr_of("admin"), "/metrics").body);
    assert_eq!(value(&families, "kv_state", &[("state", "loading")]), 1);
    assert_eq!(value(&families, "kv_loaded_ratio", &[]), 0);
    let labels = [("protocol", "grpc"), ("kind", "unavailable")];
    assert_eq!(value(&families, "kv_request_errors_total", &labels), 1);
    assert!(!families.contains_key("kv_keys"));
}

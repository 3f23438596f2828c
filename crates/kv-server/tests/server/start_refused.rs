//! What keeps a server from starting is named, with the way out, and exit code 1.

use std::net::TcpListener;

use crate::support::{FREE_PORTS, Process, binary};

/// Proves that the server does not start with the arguments, and says every one of the words.
fn check(args: &[&str], words: &[&str]) {
    let free = FREE_PORTS.into_iter().flat_map(|setting| ["--set", setting]);
    let output = binary().args(free).args(args).output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{stderr} lacks {word:?}");
    }
}

#[test]
fn a_port_in_use_is_named_with_its_key_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let setting = format!("server.grpc_addr={addr}");
    let args = ["--data-dir", dir.path().to_str().unwrap(), "--set", &setting];
    let named = format!("server.grpc_addr = {addr} is in use");
    check(&args, &[&named, "--set server.grpc_addr=IP:PORT"]);
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let setting = "server.grpc_addr=192.0.2.1:7380";
    let args = ["--data-dir", dir.path().to_str().unwrap(), "--set", setting];
    check(&args, &["server.grpc_addr = 192.0.2.1:7380 cannot be listened on"]);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named_with_the_way_out() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below_a_file = file.path().join("data");
    for path in [below_a_file.to_str().unwrap(), "/proc/kv-data"] {
        check(&["--data-dir", path], &[path, "cannot be created", "--data-dir"]);
    }
    check(&["--data-dir", "/proc"], &["/proc is not writable", "--data-dir"]);
}

#[test]
fn a_data_directory_in_use_is_named_with_who_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let _running = Process::start(dir.path(), &[]);
    let path = dir.path().to_str().unwrap();
    check(&["--data-dir", path], &[path, "in use by another kv-server (pid "]);
}

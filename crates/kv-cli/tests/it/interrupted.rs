//! An import that breaks off: what was acknowledged is there, and nothing else than rows of the file.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStderr, ChildStdin, Stdio};
use std::thread::JoinHandle;

use kv_server::testing::TestServer;

use crate::harness::{Cli, Ran};

const ROWS: usize = 300_000;

fn row(number: usize) -> (String, String) {
    (format!("key-{number:06}"), format!("value of row {number}, and some more to make it longer"))
}

/// An import under way. It reads from a pipe that stays open, so that it cannot be done before it is
/// interrupted, however slow the machine is.
struct Import {
    child: Child,
    progress: Lines<BufReader<ChildStderr>>,
    feeding: JoinHandle<ChildStdin>,
}

impl Import {
    fn start(cli: &Cli) -> Self {
        let arguments = ["import", "-", "--progress", "plain"];
        let mut child = cli.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let progress = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut stdin = child.stdin.take().unwrap();
        let feeding = std::thread::spawn(move || {
            // It fails when the import has ended before it has read everything.
            drop(stdin.write_all(file().as_bytes()));
            stdin
        });
        Self { child, progress, feeding }
    }
}

fn file() -> String {
    let line = |number| {
        let (key, value) = row(number);
        format!("{key}\t{value}\n")
    };
    (0..ROWS).map(line).collect::<Vec<_>>().concat()
}

/// Reads progress until it says that so many rows or more are acknowledged, and tells how many.
fn wait_for(lines: &mut impl Iterator<Item = std::io::Result<String>>, rows: usize) -> usize {
    let told = lines.find_map(|line| acknowledged(&line.unwrap()).filter(|told| *told >= rows));
    told.expect("the import ended before it was to be interrupted")
}

fn acknowledged(line: &str) -> Option<usize> {
    line.strip_prefix("acknowledged ")?.strip_suffix(" rows")?.parse().ok()
}

fn contents(cli: &Cli) -> HashMap<String, String> {
    let out = String::from_utf8(cli.line("export -").stdout).unwrap();
    let rows = out.lines().map(|line| line.split_once('\t').unwrap());
    rows.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Checks that the first rows are there, and that every row there is one of the file.
fn check_contents(cli: &Cli, safe: usize) {
    let contents = contents(cli);
    for number in 0..safe {
        let (key, value) = row(number);
        assert_eq!(contents.get(&key), Some(&value), "row {number} of {safe} acknowledged ones");
    }
    let mut rows: HashMap<_, _> = (0..ROWS).map(row).collect();
    #[expect(clippy::iter_over_hash_type, reason = "every entry is checked by itself")]
    for (key, value) in &contents {
        assert_eq!(rows.remove(key).as_ref(), Some(value), "{key} is no row of the file");
    }
    assert!(contents.len() < ROWS, "nothing was interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_leaves_every_acknowledged_row_and_only_rows_of_the_file() {
    let cli = Cli::start();
    let Import { mut child, mut progress, feeding } = Import::start(&cli);
    let told_before = wait_for(&mut progress, ROWS / 10);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(feeding.join().unwrap());
    // What it had told when it died; the last line may be cut short.
    let told = progress.map_while(Result::ok).filter_map(|line| acknowledged(&line)).last();
    let safe = told.unwrap_or(told_before);
    check_contents(&cli, safe);

    cli.write("rows", file());
    let ran = cli.line(&format!("import rows --skip-rows {safe}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(contents(&cli).len(), ROWS, "the rest goes in after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_server_goes_away_tells_how_many_rows_are_safe() {
    let server = TestServer::start();
    let cli = Cli::with_address(server.addr());
    let Import { child, mut progress, feeding } = Import::start(&cli);
    let told_before = wait_for(&mut progress, ROWS / 10);
    drop(server);
    // It ends although its input does not.
    let rest: Vec<_> = progress.map_while(Result::ok).collect();
    let ran = Ran::of(child);
    drop(feeding.join().unwrap());
    assert_eq!(ran.code, 3, "{rest:?}");
    let told = rest.iter().filter_map(|line| acknowledged(line)).next_back();
    let safe = told.unwrap_or(told_before);
    let complaint = rest.last().unwrap();
    let resume = format!("{safe} rows acknowledged; --skip-rows {safe} goes on from there");
    assert!(complaint.starts_with("kv-cli: ") && complaint.ends_with(&resume), "{complaint}");
}

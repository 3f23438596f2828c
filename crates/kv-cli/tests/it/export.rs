//! Files come out: complete or not at all, and readable by import.

use crate::harness::{Cli, hex};

/// Keys and values with every byte that has a meaning in some format.
fn rows() -> Vec<(String, String)> {
    let mut rows: Vec<_> =
        (0..=u8::MAX).map(|byte| (hex(&[b'k', byte]), hex(&[byte, b'v', byte, byte]))).collect();
    rows.push((hex(b"empty"), String::new()));
    rows.push((hex(b"json"), hex(br#"{"base64":"AA=="}"#)));
    rows.push((hex(b"csv"), hex(b"\"a\",\"\"\r\n,")));
    rows.push((hex("grün".as_bytes()), hex("🦀\u{feff}".as_bytes())));
    rows.push((hex(b"\xef\xbb\xbfkey"), hex(b"\\t\\n\\\\")));
    rows.sort();
    rows
}

/// All keys and values, as hex.
fn contents(cli: &Cli) -> Vec<(String, String)> {
    let listed = cli.line("scan --values --hex -o json").text();
    let mut rows: Vec<_> = listed
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("key"), text("value"))
        })
        .collect();
    rows.sort();
    rows
}

fn load(cli: &Cli, rows: &[(String, String)]) {
    let pairs = rows.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    cli.run(["--hex", "mset"].into_iter().chain(pairs)).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_brings_back_every_byte() {
    let from = Cli::start();
    let rows = rows();
    load(&from, &rows);
    for options in [
        "--format tsv --escape",
        "--format tsv --escape --delimiter ;",
        "--format csv",
        "--format csv --delimiter ;",
        "--format csv --no-header",
        "--format jsonl",
    ] {
        let out = from.line(&format!("export - {options}"));
        assert_eq!(out.code, 0, "{options}: {out:?}");
        let to = Cli::start();
        let ran = to.with_input(&format!("import - {options}"), &out.stdout);
        assert_eq!(ran.code, 0, "{options}: {ran:?}");
        assert_eq!(contents(&to), rows, "{options}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plain_tsv_cannot_hold_is_named_and_no_file_is_left() {
    let cli = Cli::start();
    for (key, value, problem) in [
        (
            "good",
            "two\nlines",
            "key \"good\" cannot be written as a line: its value holds a newline",
        ),
        (
            "tab\tkey",
            "v",
            "key \"tab\\tkey\" cannot be written as a line: the key holds the delimiter tab",
        ),
    ] {
        cli.run(["set", key, value]).ok();
        let ran = cli.line("export out");
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(problem), "{ran:?}");
        assert!(ran.stderr.contains("--escape or --format jsonl can"), "{ran:?}");
        assert_eq!(std::fs::read_dir(cli.folder()).unwrap().count(), 0, "a part was left behind");
        cli.run(["del", key]).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_replaces_a_file_when_it_is_complete() {
    let cli = Cli::start();
    cli.line("mset user:1 a user:2 b other c").ok();
    cli.write("out.csv", "old");
    let ran = cli.line("export out.csv --prefix user:");
    assert_eq!((ran.code, ran.stdout.len()), (0, 0));
    assert!(ran.stderr.starts_with("exported 2 rows ("), "{ran:?}");
    let file = String::from_utf8(cli.read("out.csv")).unwrap();
    let mut lines: Vec<_> = file.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["key,value", "user:1,a", "user:2,b"]);
    assert_eq!(cli.line("export - --prefix nothing").stdout, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn expiries_are_saved_as_points_in_time() {
    let from = Cli::start();
    from.line("set a 1 --ttl 1h").ok();
    from.line("set b 2").ok();
    for format in ["csv", "jsonl", "csv --no-header"] {
        let out = from.line(&format!("export - --with-ttl --format {format}"));
        let to = Cli::start();
        let ran = to.with_input(&format!("import - --format {format}"), &out.stdout);
        assert_eq!(ran.code, 0, "{format}: {ran:?}");
        let ttl: u64 = to.line("ttl a -o raw").text().trim().parse().unwrap();
        let left: u64 = from.line("ttl a -o raw").text().trim().parse().unwrap();
        assert!(ttl.abs_diff(left) < 10_000, "{format}: {ttl} for {left}");
        assert_eq!(to.line("ttl b").text(), "no expiry\n");
    }
    let out = from.line("export - --format jsonl");
    assert!(!String::from_utf8(out.stdout).unwrap().contains("expires"), "not asked for");
}

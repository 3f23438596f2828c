//! Files go in: each format, what is malformed, what is refused, and the options.

use expect_test::expect;
use kv_server::testing::TestServer;

use crate::harness::{Cli, Ran};

/// The report without its figures about time.
fn report(ran: &Ran) -> String {
    let (mut text, mut rest) = (String::new(), ran.stderr.as_str());
    while let Some((before, after)) = rest.split_once(") in ") {
        text.push_str(before);
        text.push_str(") in TIME");
        rest = after.split_once(" rows/s").unwrap().1;
    }
    format!("{text}{rest}[{}]", ran.code)
}

fn sorted(text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort();
    lines.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plain_tsv_takes_in_comes_out_the_same() {
    let cli = Cli::start();
    let file = b"a\t1\nb\twith\ttabs\nc\tback\\slash\\n\nd\tcr\r\ne\t\nf\t\xff\x00\n";
    cli.write("rows", file);
    let ran = cli.line("import rows");
    assert_eq!(report(&ran), "imported 6 rows (33 B) in TIME, durability memory\n[0]");
    assert_eq!(cli.line("get b -o raw").ok(), b"with\ttabs");
    let out = cli.line("export -");
    assert_eq!(sorted(&out.stdout), sorted(file));
    // Byte for byte the same from standard input, without the last newline, and with another
    // delimiter.
    let ran = cli.with_input("import - --delimiter ;", b"g;1;2\nh;3");
    assert_eq!((ran.code, ran.stdout.len()), (0, 0), "{ran:?}");
    assert_eq!(sorted(&cli.line("export - --delimiter ; --prefix g").stdout), b"g;1;2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_lines_are_told_by_number_and_the_rest_is_loaded() {
    let cli = Cli::start();
    cli.write("rows", "a\t1\nno delimiter\n\n\tno key\nb\t2\n");
    let ran = cli.line("import rows");
    expect![[r#"
        imported 2 rows (4 B) in TIME, 2 malformed lines, durability memory
        line 2: no tab between key and value: a line is key, tab, value (--delimiter names another)
        line 4: the key is empty: at least 1 byte is needed
        kv-cli: 2 malformed lines in rows
        [2]"#]]
    .assert_eq(&report(&ran));
    assert_eq!(cli.line("mget a b -o raw").text(), "1\n2\n");

    let many = "bad\n".repeat(50);
    cli.write("many", many);
    let ran = cli.line("import many");
    assert!(ran.stderr.contains("line 20: ") && !ran.stderr.contains("line 21: "), "{ran:?}");
    assert!(ran.stderr.contains("... and 30 more\n"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_stops_at_the_first_malformed_line() {
    let cli = Cli::start();
    cli.write("rows", "a\t1\nbad\nb\t2\nbad\n");
    let ran = cli.line("import rows --strict");
    expect![[r#"
        imported 1 row (2 B) in TIME, 1 malformed line, durability memory
        line 2: no tab between key and value: a line is key, tab, value (--delimiter names another)
        kv-cli: 1 malformed line in rows
        [2]"#]]
    .assert_eq(&report(&ran));
    assert_eq!(cli.line("scan -o raw").text(), "a\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_the_server_refuses_are_told_by_line_and_the_rest_is_loaded() {
    let cli = Cli::with(TestServer::start_with(|config| {
        config.set("limits.key_bytes_max", "4").unwrap();
    }));
    cli.write("rows", "a\t1\n12345\t2\nbad\nb\t3\n");
    let ran = cli.line("import rows");
    expect![[r#"
        imported 2 rows (10 B) in TIME, 1 row refused, 1 malformed line, durability memory
        line 2: key of 5 bytes is too long: at most 4 bytes are allowed (limits.key_bytes_max)
        line 3: no tab between key and value: a line is key, tab, value (--delimiter names another)
        kv-cli: the server refused 1 row
        [4]"#]]
    .assert_eq(&report(&ran));
    assert_eq!(cli.line("mget a b -o raw").text(), "1\n3\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_loaded_with_and_without_header() {
    let cli = Cli::start();
    cli.write("rows.csv", "key,value,ttl_ms\na,\"1,\"\"x\"\"\",\nb,\"two\nlines\",3600000\n");
    assert_eq!(
        report(&cli.line("import rows.csv")),
        "imported 2 rows (16 B) in TIME, durability memory\n[0]"
    );
    assert_eq!(cli.line("get a -o raw").text(), "1,\"x\"");
    assert_eq!(cli.line("get b -o raw").text(), "two\nlines");
    assert!(cli.line("ttl b").text().starts_with("59m"));
    assert_eq!(cli.line("ttl a").text(), "no expiry\n");
    cli.write("plain", "c;3\n");
    assert_eq!(cli.line("import plain --format csv --no-header --delimiter ;").code, 0);
    assert_eq!(cli.line("get c").text(), "3\n");

    let ran = cli.line("import rows.csv --no-header");
    expect![[r#"
        imported 2 rows (16 B) in TIME, 1 malformed line, durability memory
        line 1: expires_at_ms is "ttl_ms": a whole number of milliseconds is needed
        kv-cli: 1 malformed line in rows.csv
        [2]"#]]
    .assert_eq(&report(&ran));
    cli.write("headless.csv", "a,1\nb,2\n");
    let ran = cli.line("import headless.csv");
    expect![[r#"
        imported 0 rows (0 B) in TIME, 1 malformed line
        line 1: column "a" in the header: allowed are key, value, and ttl_ms or expires_at_ms; --no-header reads a file without one
        kv-cli: 1 malformed line in headless.csv
        [2]"#]].assert_eq(&report(&ran));
    cli.write("open.csv", "key,value\nd,4\ne,\"5\nf,6\n");
    let ran = cli.line("import open.csv");
    expect![[r#"
        imported 1 row (2 B) in TIME, 1 malformed line, durability memory
        line 3: a quote opens here and does not close before the end of the file, or within 67108864 bytes: nothing after it was read
        kv-cli: 1 malformed line in open.csv
        [2]"#]].assert_eq(&report(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_are_loaded() {
    let cli = Cli::start();
    let rows = concat!(
        "{\"key\":\"a\",\"value\":\"1\",\"ttl_ms\":3600000}\n",
        "{\"key\":{\"base64\":\"/w==\"},\"value\":{\"base64\":\"AP8=\"}}\n",
        "{\"key\":\"b\"}\n",
        "{\"key\":\"c\",\"value\":\"3\",\"expires_at_ms\":1}\n",
    );
    cli.write("rows.jsonl", rows);
    let ran = cli.line("import rows.jsonl");
    expect![[r#"
        imported 3 rows (7 B) in TIME, 1 malformed line, durability memory
        line 3: bad JSON: missing field `value` at column 11
        kv-cli: 1 malformed line in rows.jsonl
        [2]"#]]
    .assert_eq(&report(&ran));
    assert!(cli.line("ttl a").text().starts_with("59m"));
    assert_eq!(cli.line("get ff --hex").text(), "00ff\n");
    assert_eq!(cli.line("get c").code, 1, "its time is past");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ttl_for_all_is_for_those_that_bring_none() {
    let cli = Cli::start();
    cli.write("rows.csv", "key,value,ttl_ms\na,1,\nb,2,3600000\n");
    assert_eq!(cli.line("import rows.csv --ttl 2h").code, 0);
    assert!(cli.line("ttl a").text().starts_with("1h 59m"));
    assert!(cli.line("ttl b").text().starts_with("59m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_keys_are_kept_when_asked_for() {
    let cli = Cli::start();
    cli.line("set a old").ok();
    cli.write("rows", "a\tnew\nb\tnew\n");
    let ran = cli.line("import rows --skip-existing");
    assert_eq!(
        report(&ran),
        "imported 1 row (8 B) in TIME, 1 existing key kept, durability memory\n[0]"
    );
    assert_eq!(cli.line("mget a b -o raw").text(), "old\nnew\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_rows_are_counted_without_malformed_lines() {
    let cli = Cli::start();
    cli.write("rows", "a\t1\nbad\nb\t2\nc\t3\n");
    let ran = cli.line("import rows --skip-rows 2");
    assert_eq!(ran.code, 2, "the malformed line is told again");
    assert_eq!(cli.line("scan -o raw").text(), "c\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_only_when_asked_for() {
    let cli = Cli::start();
    let rows = (0..1200).map(|row| format!("k{row}\tv\n")).collect::<Vec<_>>().concat();
    cli.write("rows", rows);
    for line in ["import rows", "import rows --progress none"] {
        assert_eq!(cli.line(line).stderr.lines().count(), 1, "{line}: the report and nothing else");
    }
    let ran = cli.line("import rows --progress plain");
    let told: Vec<_> = ran.stderr.lines().collect();
    let expected = ["acknowledged 512 rows", "acknowledged 1024 rows", "acknowledged 1200 rows"];
    assert_eq!(told[..3], expected);
    assert_eq!(told.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_for_programs() {
    let cli = Cli::start();
    cli.write("rows", "a\t1\nbad\n");
    let ran = cli.line("import rows -o json");
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        (&json["rows"], &json["malformed"], &json["bytes"]),
        (&1.into(), &1.into(), &2.into())
    );
    let ran = cli.line("export out -o json");
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&json["rows"], &json["bytes"]), (&1.into(), &4.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_all_sizes_share_the_way_without_blocking_it() {
    let cli = Cli::start();
    let mut rows = Vec::new();
    for row in 0..40_usize {
        rows.extend(format!("k{row:02}\t").as_bytes());
        // Up to twice as long as all rows under way together may be.
        let bytes = if row == 20 { 33 << 20 } else { (row % 7) * 200_000 };
        rows.extend(std::iter::repeat_n(b'v', bytes));
        rows.push(b'\n');
    }
    cli.write("rows", &rows);
    let ran = cli.line("import rows");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(cli.line("get k20 -o raw").ok().len(), 33 << 20);
    assert_eq!(cli.line("export out").code, 0);
    assert!(sorted(&cli.read("out")) == rows, "what came out is not what went in");
}

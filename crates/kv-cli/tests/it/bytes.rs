//! Keys and values are bytes: all of them, in and out, by every way there is.

use std::ffi::OsString;

use crate::harness::{Cli, hex};

/// All bytes that an argument can hold.
fn all_but_nul() -> Vec<u8> {
    (1..=u8::MAX).collect()
}

#[cfg(unix)]
fn os(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_vec())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_taken_as_the_bytes_they_are() {
    let cli = Cli::start();
    let all = all_but_nul();
    cli.run([os(b"set"), os(&all), os(&all)]).ok();
    assert_eq!(cli.run([os(b"get"), os(&all), os(b"-o"), os(b"raw")]).ok(), all);
    let table = String::from_utf8(cli.run([os(b"get"), os(&all)]).ok()).unwrap();
    assert!(table.starts_with("\\x01\\x02") && table.ends_with("\\xfe\\xff\n"), "{table}");
    let json: serde_json::Value =
        serde_json::from_slice(&cli.run([os(b"get"), os(&all), os(b"-o"), os(b"json")]).ok())
            .unwrap();
    assert!(json["value"]["base64"].is_string() && json["key"]["base64"].is_string(), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hex_carries_every_byte_as_key_and_as_value() {
    let cli = Cli::start();
    let all = hex(&(0..=u8::MAX).collect::<Vec<_>>());
    cli.line(&format!("set {all} {all} --hex")).ok();
    assert_eq!(cli.line(&format!("get {all} --hex")).text(), format!("{all}\n"));
    assert_eq!(cli.line(&format!("get {all} --hex -o raw")).text(), all);
    let json: serde_json::Value =
        serde_json::from_str(&cli.line(&format!("get {all} --hex -o json")).text()).unwrap();
    assert_eq!((json["key"].as_str(), json["value"].as_str()), (Some(&*all), Some(&*all)));
    assert_eq!(cli.line("scan --hex -o raw").text(), format!("{all}\n"));
    assert_eq!(cli.line("scan --hex -o raw --prefix 0001").text(), format!("{all}\n"));
    assert_eq!(cli.line("get ff --hex").stderr, "kv-cli: key \"ff\" not found\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_from_files_and_standard_input_and_go_out_untouched() {
    let cli = Cli::start();
    let all: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    cli.write("file", &all);
    cli.line("set from-file @file").ok();
    assert_eq!(cli.line("get from-file -o raw").ok(), all);
    let ran = cli.with_input("set from-stdin -", &all);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(cli.line("get from-stdin -o raw").ok(), all);
    cli.line("append from-stdin @file").ok();
    assert_eq!(cli.line("get from-stdin -o raw").ok().len(), 2 * all.len());
    cli.line("set empty ''").ok();
    assert_eq!(cli.line("get empty -o raw").ok(), b"");
    cli.line("mset a @file b @@file").ok();
    assert_eq!(cli.line("get a -o raw").ok(), all);
    assert_eq!(cli.line("get b -o raw").ok(), b"@file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_cannot_be_forged_by_what_is_in_it() {
    let cli = Cli::start();
    cli.run(["set", "k\n\u{1b}[2Jevil", "a\nb\u{202e}\\n"]).ok();
    let listed = cli.line("scan --values").text();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("k\\n\\x1b[2Jevil  a\\nb\\xe2\\x80\\xae\\\\n"), "{listed}");
}

//! Tests of the CSV reader and writer, alone and against the `csv` crate.

use proptest::prelude::*;

use super::*;
use crate::limits::LINE_BYTES_MAX;

type Read = Vec<(u64, Result<Row, Malformed>)>;

fn read(file: &[u8], header: bool) -> Read {
    let mut reader = CsvReader::new(Lines::new(file, LINE_BYTES_MAX), b',', header);
    let mut rows = Vec::new();
    while let Some(row) = reader.next().unwrap() {
        rows.push(row);
    }
    rows
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside errors in the same list")]
fn plain(key: &'static str, value: &'static str) -> Result<Row, Malformed> {
    Ok(Row { key: key.into(), value: value.into(), expiry: None })
}

fn check(file: &str, expected: &[(u64, Result<Row, Malformed>)]) {
    assert_eq!(read(file.as_bytes(), true), expected, "{file:?}");
    assert_eq!(read(file.replace('\n', "\r\n").as_bytes(), true).len(), expected.len());
}

#[test]
fn records_are_read_with_their_line_numbers() {
    check("", &[]);
    check("key,value\n", &[]);
    check("key,value\na,1\n\nb,\n", &[(2, plain("a", "1")), (4, plain("b", ""))]);
    check("value,key\n1,a", &[(2, plain("a", "1"))]);
    check("\u{feff}key,value\na,1", &[(2, plain("a", "1"))]);
    check("\"key\",\"value\"\n\"a\",\"1\"\n", &[(2, plain("a", "1"))]);
    check("key,value\n\"a,b\",\"\"\"x\"\"\"\n", &[(2, plain("a,b", "\"x\""))]);
    check("key,value\na,b\"c\n", &[(2, plain("a", "b\"c"))]);
}

#[test]
fn quoted_fields_may_go_on_over_lines() {
    let file = b"key,value\na,\"x\r\n\n\"\"y\"\nb,\"\n\"\nc,3";
    let expected = vec![(2, plain("a", "x\r\n\n\"y")), (5, plain("b", "\n")), (7, plain("c", "3"))];
    assert_eq!(read(file, true), expected);
}

#[test]
fn malformed_records_are_told_by_line_and_the_next_is_read() {
    let names = |names: &str| names.to_owned();
    check(
        "key,value\na\nb,1,2\n\"c\"x,3\nd,4\n",
        &[
            (2, Err(Malformed::FieldCount(1, 2, names("key, value")))),
            (3, Err(Malformed::FieldCount(3, 2, names("key, value")))),
            (4, Err(Malformed::AfterQuote('x'))),
            (5, plain("d", "4")),
        ],
    );
}

#[test]
fn a_quote_that_does_not_close_is_told_where_it_opened() {
    check(
        "key,value\na,1\nb,\"2\nc,3\nd,4\n",
        &[(2, plain("a", "1")), (3, Err(Malformed::OpenQuote))],
    );
}

#[test]
fn a_quoted_field_over_the_limit_ends_the_reading() {
    let mut file = b"key,value\na,\"".to_vec();
    for _ in 0..65 {
        file.extend(vec![b'x'; 1 << 20]);
        file.push(b'\n');
    }
    file.extend(b"\"\nb,2\n");
    assert_eq!(read(&file, true), [(2, Err(Malformed::OpenQuote))]);
}

#[test]
fn headers_are_checked() {
    let check = |header: &str, expected: Malformed| {
        check(&format!("{header}\na,1\nb,2\n"), &[(1, Err(expected))]);
    };
    check("a,1", Malformed::UnknownColumn("a".to_owned()));
    check("key", Malformed::MissingColumn("value"));
    check("value,ttl_ms", Malformed::MissingColumn("key"));
    check("key,value,key", Malformed::DoubleColumn("key".to_owned()));
    check("key,value,ttl_ms,expires_at_ms", Malformed::TwoExpiries);
    let message = Malformed::UnknownColumn("a".to_owned()).to_string();
    assert!(message.contains("--no-header"), "{message}");
}

#[test]
fn expiries_are_read() {
    let row = |expiry| Ok(Row { key: "a".into(), value: "1".into(), expiry });
    let ttl = Expiry::Ttl(Duration::from_millis(1500));
    check(
        "key,value,ttl_ms\na,1,1500\na,1,\na,1,x\n",
        &[
            (2, row(Some(ttl))),
            (3, row(None)),
            (4, Err(Malformed::BadMillis("ttl_ms", "x".to_owned()))),
        ],
    );
    let at = Some(Expiry::At(99));
    check("expires_at_ms,key,value\n99,a,1\n", &[(2, row(at))]);
    let without_header = read(b"a,1\na,1,99\na\n", false);
    assert_eq!(without_header[..2], [(1, row(None)), (2, row(at))]);
    assert!(matches!(without_header[2], (3, Err(Malformed::FieldCount(1, 3, _)))));
}

/// Few different bytes, so that those with a meaning meet often.
fn field() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"a\",\n\r\xff ".to_vec()), 0..8)
}

/// What the `csv` crate writes.
fn written_by_csv(rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["key", "value"]).unwrap();
    for (key, value) in rows {
        writer.write_record([key, value]).unwrap();
    }
    writer.into_inner().unwrap()
}

/// What this module writes.
fn written_here(rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"key,value\n".to_vec();
    for (key, value) in rows {
        write_field(key, b',', &mut file);
        file.push(b',');
        write_field(value, b',', &mut file);
        file.push(b'\n');
    }
    file
}

proptest! {
    #[test]
    fn what_is_written_here_and_there_is_read_here_and_there(
        rows in prop::collection::vec((field(), field()), 0..6),
    ) {
        for file in [written_here(&rows), written_by_csv(&rows)] {
            let here: Vec<_> = read(&file, true)
                .into_iter()
                .map(|(_, row)| row.map(|row| (row.key.to_vec(), row.value.to_vec())).unwrap())
                .collect();
            prop_assert_eq!(&here, &rows);
            let there: Vec<_> = csv::Reader::from_reader(&file[..])
                .into_byte_records()
                .map(|record| record.map(|r| (r[0].to_vec(), r[1].to_vec())).unwrap())
                .collect();
            prop_assert_eq!(&there, &rows);
        }
    }

    #[test]
    fn no_file_makes_the_reader_panic_or_go_on_forever(file in field()) {
        let lines = file.split(|byte| *byte == b'\n').count();
        prop_assert!(read(&file, false).len() <= lines);
        prop_assert!(read(&file, true).len() <= lines);
    }
}

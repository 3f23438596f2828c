//! Writes rows of any format.

use std::time::Duration;

use kv_client::ScanEntry;

use super::csv_reader::{Column, write_field};
use super::format::FileFormat;
use super::jsonl;
use crate::screen::ttl_ms;

/// Writes rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowWriter {
    format: FileFormat,
    with_ttl: bool,
}

impl RowWriter {
    /// Writes rows of this format, with the times at which they end if asked for.
    pub(crate) fn new(format: FileFormat, with_ttl: bool) -> Result<Self, String> {
        if with_ttl && matches!(format, FileFormat::Tsv(_)) {
            return Err(
                "--with-ttl goes with --format csv or jsonl: a line of tsv has no place for \
                        it"
                .to_owned(),
            );
        }
        Ok(Self { format, with_ttl })
    }

    /// Writes what stands before the first row.
    pub(crate) fn header(self, out: &mut Vec<u8>) {
        let FileFormat::Csv { delimiter, header: true } = self.format else { return };
        let columns = [Column::Key, Column::Value, Column::ExpiresAtMs];
        for column in columns.iter().take(if self.with_ttl { 3 } else { 2 }) {
            if *column != Column::Key {
                out.push(delimiter);
            }
            out.extend_from_slice(column.name().as_bytes());
        }
        out.push(b'\n');
    }

    /// Writes a row; `now_ms` is the Unix time at which the entry was read.
    pub(crate) fn row(
        self,
        entry: &ScanEntry,
        now_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let value = entry.value.as_deref().unwrap_or_default();
        let ttl = entry.ttl.filter(|_| self.with_ttl);
        let expires_at_ms = ttl.map(|ttl| expires_at_ms(ttl, now_ms));
        match self.format {
            FileFormat::Tsv(tsv) => return tsv.write(&entry.key, value, out),
            FileFormat::Jsonl => jsonl::write(&entry.key, value, expires_at_ms, out),
            FileFormat::Csv { delimiter, .. } => {
                write_field(&entry.key, delimiter, out);
                out.push(delimiter);
                write_field(value, delimiter, out);
                if self.with_ttl {
                    out.push(delimiter);
                    let at = expires_at_ms.map(|at| at.to_string()).unwrap_or_default();
                    out.extend_from_slice(at.as_bytes());
                }
                out.push(b'\n');
            }
        }
        Ok(())
    }
}

fn expires_at_ms(ttl: Duration, now_ms: u64) -> u64 {
    now_ms.saturating_add(ttl_ms(Some(ttl)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::reader::RowReader;
    use crate::transfer::row::Expiry;
    use crate::transfer::tsv::Tsv;
    use expect_test::{Expect, expect};
    use kv_client::Version;

    fn entry(key: &'static str, value: &'static str, ttl: Option<Duration>) -> ScanEntry {
        let value = Some(value.into());
        ScanEntry { key: key.into(), value, version: Version::new(1), ttl }
    }

    fn check(format: FileFormat, with_ttl: bool, expected: &Expect) {
        let entries =
            [entry("a", "1", None), entry("b", "x,\"y\"", Some(Duration::from_millis(500)))];
        let writer = RowWriter::new(format, with_ttl).unwrap();
        let mut file = Vec::new();
        writer.header(&mut file);
        for entry in &entries {
            writer.row(entry, 1000, &mut file).unwrap();
        }
        expected.assert_eq(&String::from_utf8(file.clone()).unwrap());

        let mut reader = RowReader::new(&file[..], format);
        for entry in &entries {
            let (_, row) = reader.next().unwrap().unwrap();
            let row = row.unwrap();
            assert_eq!((&row.key, Some(&row.value)), (&entry.key, entry.value.as_ref()));
            let expiry = entry.ttl.filter(|_| with_ttl).map(|_| Expiry::At(1500));
            assert_eq!(row.expiry, expiry);
        }
        assert!(reader.next().unwrap().is_none());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let csv = |header| FileFormat::Csv { delimiter: b',', header };
        check(
            FileFormat::Tsv(Tsv::new(b'\t', false).unwrap()),
            false,
            &expect![[r#"
            a	1
            b	x,"y"
        "#]],
        );
        check(
            csv(true),
            false,
            &expect![[r#"
            key,value
            a,1
            b,"x,""y"""
        "#]],
        );
        check(
            csv(true),
            true,
            &expect![[r#"
            key,value,expires_at_ms
            a,1,
            b,"x,""y""",1500
        "#]],
        );
        check(
            csv(false),
            true,
            &expect![[r#"
            a,1,
            b,"x,""y""",1500
        "#]],
        );
        check(
            FileFormat::Jsonl,
            false,
            &expect![[r#"
            {"key":"a","value":"1"}
            {"key":"b","value":"x,\"y\""}
        "#]],
        );
        check(
            FileFormat::Jsonl,
            true,
            &expect![[r#"
            {"key":"a","value":"1"}
            {"key":"b","value":"x,\"y\"","expires_at_ms":1500}
        "#]],
        );
    }

    #[test]
    fn tsv_has_no_place_for_expiries() {
        let tsv = FileFormat::Tsv(Tsv::new(b'\t', true).unwrap());
        assert!(RowWriter::new(tsv, true).unwrap_err().contains("csv or jsonl"));
    }
}

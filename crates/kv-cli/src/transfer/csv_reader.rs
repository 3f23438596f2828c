//! Reads CSV records (RFC 4180): quoted fields may hold delimiters, quotes (doubled) and newlines.
//!
//! The `csv` crate reads a quote that never closes as a field that goes on to the end of the file,
//! however long, and says nothing. Here that is an error with a line number, fields are bounded, and
//! fields without doubled quotes are slices of the block they were read with. The tests hold this
//! reader against that crate.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::lines::{Line, Lines};
use super::row::{Expiry, Malformed, Numbered, Row};
use crate::escape::escape;
use crate::limits::VALUE_BYTES_MAX;

const QUOTE: u8 = b'"';
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Key,
    Value,
    TtlMs,
    ExpiresAtMs,
}

impl Column {
    /// Its name in the header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
            Self::TtlMs => "ttl_ms",
            Self::ExpiresAtMs => "expires_at_ms",
        }
    }

    const ALL: [Self; 4] = [Self::Key, Self::Value, Self::TtlMs, Self::ExpiresAtMs];
}

/// The rows of a CSV file.
#[derive(Debug)]
pub(crate) struct CsvReader<R> {
    lines: Lines<R>,
    delimiter: u8,
    /// None until the header was read.
    columns: Option<Vec<Column>>,
    /// Whether a third column may be missing.
    header: bool,
    /// After an error behind which nothing can be understood.
    ended: bool,
}

/// How far a record was read.
enum Step {
    Complete,
    InQuotes,
}

impl<R: Read> CsvReader<R> {
    /// The rows of a file with a header, or of one with the columns `key,value[,expires_at_ms]`.
    pub(crate) fn new(lines: Lines<R>, delimiter: u8, header: bool) -> Self {
        let fixed = || vec![Column::Key, Column::Value, Column::ExpiresAtMs];
        let columns = (!header).then(fixed);
        Self { lines, delimiter, columns, header, ended: false }
    }

    /// The lines read so far.
    pub(crate) fn lines(&self) -> &Lines<R> {
        &self.lines
    }

    /// The next row and the number of the line it began on.
    pub(crate) fn next(&mut self) -> io::Result<Option<Numbered<Row>>> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let Some(read) = self.record()? else { return Ok(None) };
            let (number, record) = read;
            let fields = match record {
                Ok(fields) => fields,
                Err(malformed) => return Ok(Some((number, Err(malformed)))),
            };
            if let Some(columns) = &self.columns {
                return Ok(Some((number, row(&fields, columns, self.header))));
            }
            match columns(&fields) {
                Ok(columns) => self.columns = Some(columns),
                Err(malformed) => {
                    self.ended = true;
                    return Ok(Some((number, Err(malformed))));
                }
            }
        }
    }

    /// The fields of the next record that is not an empty line.
    fn record(&mut self) -> io::Result<Option<Numbered<Vec<Bytes>>>> {
        let mut record = Record::new(self.delimiter);
        let mut first = None;
        loop {
            let line = self.lines.next()?;
            let number = *first.get_or_insert(self.lines.number());
            let step = match line {
                None if record.in_quotes => {
                    self.ended = true;
                    return Ok(Some((number, Err(Malformed::OpenQuote))));
                }
                None => return Ok(None),
                Some(Line::TooLong) if record.in_quotes => Err(Malformed::OpenQuote),
                Some(Line::TooLong) => Err(Malformed::LineTooLong),
                Some(Line::Text(line)) if !record.in_quotes && is_empty(&line) => {
                    first = None;
                    continue;
                }
                Some(Line::Text(line)) => record.line(&line),
            };
            match step {
                Ok(Step::Complete) => return Ok(Some((number, Ok(record.fields)))),
                Ok(Step::InQuotes) => {}
                Err(malformed) => {
                    self.ended |= malformed == Malformed::OpenQuote;
                    return Ok(Some((number, Err(malformed))));
                }
            }
        }
    }
}

fn is_empty(line: &[u8]) -> bool {
    line.is_empty() || line == b"\r"
}

/// A record as its lines are read.
struct Record {
    delimiter: u8,
    fields: Vec<Bytes>,
    /// What is known of a quoted field that is not a slice of one line.
    pending: BytesMut,
    in_quotes: bool,
}

impl Record {
    fn new(delimiter: u8) -> Self {
        let (fields, pending) = (Vec::with_capacity(3), BytesMut::new());
        Self { delimiter, fields, pending, in_quotes: false }
    }

    /// Reads one more line.
    fn line(&mut self, line: &Bytes) -> Result<Step, Malformed> {
        let mut at = 0;
        loop {
            if self.in_quotes || line.get(at) == Some(&QUOTE) {
                at += usize::from(!self.in_quotes);
                let Some(after) = self.quoted(line, at)? else { return Ok(Step::InQuotes) };
                match line.get(after..).unwrap_or_default() {
                    [] | [b'\r'] => return Ok(Step::Complete),
                    [next, ..] if *next == self.delimiter => at = after + 1,
                    [next, ..] => return Err(Malformed::AfterQuote(char::from(*next))),
                }
                continue;
            }
            let rest = line.get(at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|byte| *byte == self.delimiter) else {
                let end = line.len() - usize::from(rest.last() == Some(&b'\r'));
                self.fields.push(line.slice(at..end));
                return Ok(Step::Complete);
            };
            self.fields.push(line.slice(at..at + length));
            at += length + 1;
        }
    }

    /// Reads on inside of quotes from `at`; the place after the closing quote, if it is in this line.
    fn quoted(&mut self, line: &Bytes, mut at: usize) -> Result<Option<usize>, Malformed> {
        loop {
            let rest = line.get(at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|byte| *byte == QUOTE) else {
                self.pending.extend_from_slice(rest);
                self.pending.extend_from_slice(b"\n");
                self.in_quotes = true;
                let fits = self.pending.len() <= VALUE_BYTES_MAX;
                return if fits { Ok(None) } else { Err(Malformed::OpenQuote) };
            };
            let quote = at + length;
            if line.get(quote + 1) == Some(&QUOTE) {
                self.pending.extend_from_slice(line.get(at..=quote).unwrap_or_default());
                at = quote + 2;
                continue;
            }
            self.in_quotes = false;
            if self.pending.is_empty() {
                self.fields.push(line.slice(at..quote));
            } else {
                self.pending.extend_from_slice(line.get(at..quote).unwrap_or_default());
                self.fields.push(self.pending.split().freeze());
            }
            return Ok(Some(quote + 1));
        }
    }
}

/// The columns a header names.
fn columns(header: &[Bytes]) -> Result<Vec<Column>, Malformed> {
    let mut columns = Vec::with_capacity(header.len());
    for (index, name) in header.iter().enumerate() {
        let name = match index {
            0 => name.strip_prefix(BYTE_ORDER_MARK).unwrap_or(name),
            _ => name,
        };
        let column = Column::ALL.into_iter().find(|column| column.name().as_bytes() == name);
        let column = column.ok_or_else(|| Malformed::UnknownColumn(escape(name)))?;
        if columns.contains(&column) {
            return Err(Malformed::DoubleColumn(escape(name)));
        }
        columns.push(column);
    }
    for needed in [Column::Key, Column::Value] {
        if !columns.contains(&needed) {
            return Err(Malformed::MissingColumn(needed.name()));
        }
    }
    if columns.len() == Column::ALL.len() {
        return Err(Malformed::TwoExpiries);
    }
    Ok(columns)
}

fn row(fields: &[Bytes], columns: &[Column], header: bool) -> Result<Row, Malformed> {
    let complete = fields.len() == columns.len();
    if !complete && (header || fields.len() != 2) {
        let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
        return Err(Malformed::FieldCount(fields.len(), columns.len(), names.join(", ")));
    }
    let mut row = Row { key: Bytes::new(), value: Bytes::new(), expiry: None };
    for (field, column) in fields.iter().zip(columns) {
        match column {
            Column::Key => row.key = field.clone(),
            Column::Value => row.value = field.clone(),
            Column::TtlMs | Column::ExpiresAtMs if field.is_empty() => {}
            Column::TtlMs => {
                row.expiry = Some(Expiry::Ttl(Duration::from_millis(millis(*column, field)?)));
            }
            Column::ExpiresAtMs => row.expiry = Some(Expiry::At(millis(*column, field)?)),
        }
    }
    Ok(row)
}

fn millis(column: Column, field: &[u8]) -> Result<u64, Malformed> {
    let number = std::str::from_utf8(field).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Malformed::BadMillis(column.name(), escape(field)))
}

/// Writes one field, in quotes where it needs them.
pub(crate) fn write_field(field: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    let needs_quotes = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if !field.iter().any(needs_quotes) {
        out.extend_from_slice(field);
        return;
    }
    out.push(QUOTE);
    for byte in field {
        if *byte == QUOTE {
            out.push(QUOTE);
        }
        out.push(*byte);
    }
    out.push(QUOTE);
}

#[cfg(test)]
#[path = "csv_reader_tests.rs"]
mod tests;

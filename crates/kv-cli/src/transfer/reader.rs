//! Reads rows of any format.

use std::io::{self, Read};

use super::csv_reader::CsvReader;
use super::format::FileFormat;
use super::jsonl;
use super::lines::{Line, Lines};
use super::row::{Malformed, Numbered, Row};
use super::tsv::Tsv;
use crate::limits::LINE_BYTES_MAX;

/// The rows of a file. Lines without any byte are skipped.
#[derive(Debug)]
pub(crate) enum RowReader<R> {
    Tsv(Lines<R>, Tsv),
    Csv(CsvReader<R>),
    Jsonl(Lines<R>),
}

impl<R: Read> RowReader<R> {
    /// The rows of `from`.
    pub(crate) fn new(from: R, format: FileFormat) -> Self {
        let lines = Lines::new(from, LINE_BYTES_MAX);
        match format {
            FileFormat::Tsv(tsv) => Self::Tsv(lines, tsv),
            FileFormat::Csv { delimiter, header } => {
                Self::Csv(CsvReader::new(lines, delimiter, header))
            }
            FileFormat::Jsonl => Self::Jsonl(lines),
        }
    }

    /// The next row and the number of its line.
    pub(crate) fn next(&mut self) -> io::Result<Option<Numbered<Row>>> {
        let read = match self {
            Self::Tsv(lines, tsv) => by_line(lines, |line| tsv.parse(line)),
            Self::Csv(reader) => reader.next(),
            Self::Jsonl(lines) => by_line(lines, jsonl::parse),
        };
        Ok(read?.map(|(number, row)| (number, row.and_then(Row::check))))
    }

    /// How far the rows read reach into the file, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        match self {
            Self::Tsv(lines, _) | Self::Jsonl(lines) => lines.offset(),
            Self::Csv(reader) => reader.lines().offset(),
        }
    }
}

fn by_line<R: Read>(
    lines: &mut Lines<R>,
    parse: impl FnOnce(&bytes::Bytes) -> Result<Row, Malformed>,
) -> io::Result<Option<Numbered<Row>>> {
    loop {
        let row = match lines.next()? {
            None => return Ok(None),
            Some(Line::Text(line)) if line.is_empty() || &line[..] == b"\r" => continue,
            Some(Line::Text(line)) => parse(&line),
            Some(Line::TooLong) => Err(Malformed::LineTooLong),
        };
        return Ok(Some((lines.number(), row)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ROW_BYTES_MAX;

    fn read(file: &[u8]) -> Vec<(u64, Result<usize, Malformed>)> {
        let tsv = Tsv::new(b'\t', false).unwrap();
        let mut reader = RowReader::new(file, FileFormat::Tsv(tsv));
        let mut rows = Vec::new();
        while let Some((number, row)) = reader.next().unwrap() {
            rows.push((number, row.map(|row| row.value.len())));
        }
        assert_eq!(reader.offset(), u64::try_from(file.len()).unwrap());
        rows
    }

    #[test]
    fn rows_are_checked_and_numbered() {
        let rows = read(b"a\t1\n\n\t2\nbad\nb\t333");
        let expected = [
            (1, Ok(1)),
            (3, Err(Malformed::EmptyKey)),
            (4, Err(Malformed::NoDelimiter(b'\t'))),
            (5, Ok(3)),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_row_may_be_as_long_as_a_message_can_take() {
        let row = |value_bytes: usize| [b"k\t", vec![b'v'; value_bytes].as_slice()].concat();
        assert_eq!(read(&row(ROW_BYTES_MAX - 1)), [(1, Ok(ROW_BYTES_MAX - 1))]);
        let too_long = Malformed::RowTooLong(ROW_BYTES_MAX + 1);
        assert_eq!(read(&row(ROW_BYTES_MAX)), [(1, Err(too_long))]);
        assert_eq!(read(&row(LINE_BYTES_MAX)), [(1, Err(Malformed::LineTooLong))]);
    }
}

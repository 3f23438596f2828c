//! Appends records to a file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use crate::{Measured, Origin, Record, Row, Skipped};

/// Takes what a program measures. Several programs may append to the same file one after the other.
#[derive(Debug)]
pub struct Recorder {
    origin: Origin,
    file: Option<File>,
}

impl Recorder {
    /// One that appends to `file`, or that forgets everything.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for appending.
    pub fn open(origin: Origin, file: Option<&Path>) -> io::Result<Self> {
        let open = |file| File::options().append(true).create(true).open(file);
        Ok(Self { origin, file: file.map(open).transpose()? })
    }

    /// Where everything it takes comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Takes a row. It is in the file when this returns: what a program measured before it failed is kept.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn row(&self, measured: Measured) -> io::Result<()> {
        self.write(&Record::Row(Box::new(Row { measured, origin: self.origin.clone() })))
    }

    /// Takes a section, or a part of one, that cannot be measured here.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn skipped(&self, section: &str, reason: &str) -> io::Result<()> {
        let (section, reason) = (section.to_owned(), reason.to_owned());
        self.write(&Record::Skipped(Skipped { section, reason }))
    }

    fn write(&self, record: &Record) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        let line = serde_json::to_string(record)?;
        file.write_all(format!("{line}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Figure, parse};

    #[test]
    fn programs_append_to_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rows.json");
        let row = || Measured::lower("size", "a", "B", &Figure::from(1.0));
        for _ in 0..2 {
            let recorder = Recorder::open(Origin::default(), Some(&file)).unwrap();
            recorder.row(row()).unwrap();
            recorder.skipped("http", "no wrk").unwrap();
        }
        let records = parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(records.len(), 4);
        assert_eq!(records[..2], records[2..]);
    }

    #[test]
    fn without_a_file_nothing_is_written() {
        let recorder = Recorder::open(Origin::default(), None).unwrap();
        recorder.skipped("http", "no wrk").unwrap();
    }
}

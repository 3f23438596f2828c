//! Where rows lie: `target/bench/SECTION.json`, those of short forms in `target/bench/quick/`.
//!
//! Benchmarks append to one file, a line for each row; when all are done, each section's file is replaced by what
//! was measured of it this time. Sections can so be measured one by one, on a machine that is quiet now and then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kv_bench::{Form, Record};

/// Relative to the workspace root.
const FOLDER: &str = "target/bench";

/// What programs append to.
const PARTIAL: &str = "rows.partial";

/// The folder of one form's rows.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    form: Form,
}

impl Store {
    pub(super) fn new(root: &Path, form: Form) -> Self {
        Self { folder: root.join(relative(form)), form }
    }

    /// Where the files are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file to append to, as the benchmarks see it: they run in the folders of their crates.
    pub(super) fn partial_for_programs(&self) -> String {
        format!("../../{}/{PARTIAL}", relative(self.form))
    }

    /// Makes place for new rows. What a run left that was broken off is of no use.
    pub(super) fn discard_partial(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("{} cannot be made", self.folder.display()))?;
        match std::fs::remove_file(self.folder.join(PARTIAL)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("rows of an earlier run cannot be removed")
            }
            _ => Ok(()),
        }
    }

    /// What was appended; none when the programs record none.
    pub(super) fn take_partial(&self) -> Result<Vec<Record>> {
        let file = self.folder.join(PARTIAL);
        if !file.exists() {
            return Ok(Vec::new());
        }
        let records = kv_bench::parse(&std::fs::read_to_string(&file)?)?;
        std::fs::remove_file(&file)?;
        Ok(records)
    }

    /// Replaces the files of the sections that there are records of.
    pub(super) fn save(&self, records: &[Record]) -> Result<()> {
        let mut sections: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for record in records {
            sections.entry(section(record)).or_default().push(record);
        }
        for (section, records) in sections {
            let file = self.folder.join(format!("{section}.json"));
            std::fs::write(&file, to_array(&records)?)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }

    /// Everything that was measured, whenever it was, by section.
    pub(super) fn load(&self) -> Result<Vec<Record>> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        let mut records = Vec::new();
        for file in files {
            let context = || format!("{} cannot be read: remove it", file.display());
            let text = std::fs::read_to_string(&file).with_context(context)?;
            records.extend(serde_json::from_str::<Vec<Record>>(&text).with_context(context)?);
        }
        Ok(records)
    }
}

fn relative(form: Form) -> String {
    match form {
        Form::Full => FOLDER.to_owned(),
        Form::Quick | Form::Smoke => format!("{FOLDER}/quick"),
    }
}

/// The section that a record belongs to.
pub(super) fn section(record: &Record) -> &str {
    match record {
        Record::Row(row) => &row.measured.section,
        Record::Skipped(skipped) => &skipped.section,
    }
}

/// An array with a line for each record.
fn to_array(records: &[&Record]) -> Result<String> {
    let lines: Vec<String> = records.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

#[cfg(test)]
mod tests {
    use kv_bench::{Arguments, Measured, Origin, Recorder};

    use super::*;

    fn record(store: &Store, section: &str, value: f64) {
        let file = store.folder().join(PARTIAL);
        let origin = Origin::here("test", &Arguments::default());
        let recorder = Recorder::open(origin, Some(&file)).unwrap();
        recorder.row(Measured::lower(section, "row", "B", &value.into())).unwrap();
    }

    fn values(store: &Store) -> Vec<(String, f64)> {
        let value = |record: &Record| match record {
            Record::Row(row) => (section(record).to_owned(), row.measured.ours.median()),
            Record::Skipped(_) => panic!("rows alone"),
        };
        store.load().unwrap().iter().map(value).collect()
    }

    #[test]
    fn a_section_replaces_what_was_measured_of_it_before() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path(), Form::Full);
        store.discard_partial().unwrap();
        for (section, value) in [("size", 1.0), ("resp", 2.0), ("size", 3.0)] {
            record(&store, section, value);
            let records = store.take_partial().unwrap();
            assert_eq!(records.len(), 1);
            store.save(&records).unwrap();
        }
        assert_eq!(values(&store), [("resp".to_owned(), 2.0), ("size".to_owned(), 3.0)]);
        assert!(store.take_partial().unwrap().is_empty(), "rows are taken once");
    }

    #[test]
    fn short_forms_have_a_folder_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        let (full, quick) =
            (Store::new(root.path(), Form::Full), Store::new(root.path(), Form::Quick));
        quick.discard_partial().unwrap();
        record(&quick, "size", 1.0);
        quick.save(&quick.take_partial().unwrap()).unwrap();
        assert!(values(&full).is_empty());
        assert_eq!(values(&quick).len(), 1);
    }

    #[test]
    fn what_a_run_left_that_was_broken_off_is_discarded() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path(), Form::Full);
        store.discard_partial().unwrap();
        record(&store, "size", 1.0);
        store.discard_partial().unwrap();
        assert!(store.take_partial().unwrap().is_empty());
    }
}

//! Shows what was measured: a report beside the rows, and a part of docs/benchmarks.md when asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kv_bench::{Form, Measured, Origin, Record};

use super::plot::{Plot, plots};
use super::{format, numbers};

/// The page, relative to the workspace root, and the folder of its plots, relative to the page.
const PAGE: &str = "docs/benchmarks.md";
const PAGE_PLOTS: &str = "bench";

/// What stands between these lines of the page belongs to this program.
const BEGIN: &str = "<!-- numbers:begin -->";
const END: &str = "<!-- numbers:end -->";

/// Writes `report.md` and its plots into `folder`, and tells where the report is.
pub(super) fn write(folder: &Path, records: &[Record]) -> Result<PathBuf> {
    let plots = plots(records);
    write_plots(folder, &plots)?;
    let file = folder.join("report.md");
    std::fs::write(&file, report(records, &plots))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

/// Puts the table, and the plots that show Redis, into the page.
pub(super) fn refresh_docs(root: &Path, records: &[Record]) -> Result<()> {
    let page = root.join(PAGE);
    let text = std::fs::read_to_string(&page).with_context(|| format!("{PAGE} cannot be read"))?;
    let plots: Vec<Plot> = plots(records).into_iter().filter(Plot::has_redis).collect();
    let body = format!(
        "{}\n{}\n{}",
        caption(records),
        numbers::table(records),
        images(&plots, &format!("{PAGE_PLOTS}/"))
    );
    let text = replace(&text, &body)?;
    write_plots(&root.join("docs").join(PAGE_PLOTS), &plots)?;
    std::fs::write(&page, text).with_context(|| format!("{PAGE} cannot be written"))?;
    println!("refreshed: {PAGE} and docs/{PAGE_PLOTS}");
    Ok(())
}

/// The page with another text between the markers.
fn replace(page: &str, body: &str) -> Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_old, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = parts
        .with_context(|| format!("{PAGE} needs the lines `{BEGIN}` and `{END}`, in this order"))?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", body.trim_end()))
}

/// Plots that no row stands behind any more go.
fn write_plots(folder: &Path, plots: &[Plot]) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "svg") {
            std::fs::remove_file(file)?;
        }
    }
    for plot in plots {
        std::fs::write(folder.join(&plot.file), plot.chart.to_svg())?;
    }
    Ok(())
}

fn report(records: &[Record], plots: &[Plot]) -> String {
    format!(
        "# Benchmark report\n\n{}\n## Numbers to reach\n\n{}\n## Plots\n\n{}\n## All rows\n\n{}\n{}",
        caption(records),
        numbers::table(records),
        images(plots, ""),
        rows(records),
        skipped(records),
    )
}

/// By what, on what; each once where rows differ.
fn caption(records: &[Record]) -> String {
    let origins: Vec<&Origin> = records.iter().filter_map(origin).collect();
    let each = |text: fn(&Origin) -> Vec<String>| {
        let texts: BTreeSet<String> = origins.iter().flat_map(|origin| text(origin)).collect();
        texts.into_iter().collect::<Vec<_>>().join(", ")
    };
    let versions = |origin: &Origin| {
        origin.versions.iter().map(|(program, version)| format!("{program} {version}")).collect()
    };
    let is_short = origins.iter().any(|origin| origin.form != Form::Full);
    let warning = if is_short { "Short forms: ratios count, figures say little.\n" } else { "" };
    format!(
        "{warning}Commit {}; {}; {}. Medians, and the range of all rounds.\n",
        each(|origin| vec![origin.commit.clone()]),
        each(versions),
        each(|origin| vec![origin.machine.clone()]),
    )
}

fn origin(record: &Record) -> Option<&Origin> {
    match record {
        Record::Row(row) => Some(&row.origin),
        Record::Skipped(_) => None,
    }
}

fn images(plots: &[Plot], folder: &str) -> String {
    let image = |plot: &Plot| format!("![{}]({folder}{})\n\n", plot.chart.title, plot.file);
    plots.iter().map(image).collect()
}

fn rows(records: &[Record]) -> String {
    let line = |record: &Record| match record {
        Record::Row(row) => Some(row_line(&row.measured)),
        Record::Skipped(_) => None,
    };
    let lines: String = records.iter().filter_map(line).collect();
    let head = "| Section | Row | kv | Beside it | Ratio | Target | |";
    format!("{head}\n|---|---|---|---|---|---|---|\n{lines}")
}

fn row_line(row: &Measured) -> String {
    let dash = || "–".to_owned();
    let ours = format::figure(&row.ours, &row.unit);
    let peer = format::peer(row).unwrap_or_else(dash);
    let ratio = row.ratio().map_or_else(dash, format::ratio);
    let target = format::target(row);
    let verdict = match row.is_met() {
        None => "",
        Some(true) => "met",
        Some(false) => "**not met**",
    };
    let (section, name) = (&row.section, &row.name);
    format!("| {section} | {name} | {ours} | {peer} | {ratio} | {target} | {verdict} |\n")
}

fn skipped(records: &[Record]) -> String {
    let line = |record: &Record| match record {
        Record::Row(_) => None,
        Record::Skipped(skipped) => {
            Some(format!("Skipped: {}: {}\n", skipped.section, skipped.reason))
        }
    };
    records.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use kv_bench::{Figure, Row, Skipped, Target};

    use super::*;

    fn records() -> Vec<Record> {
        let ours: Figure = [36e3, 31e3, 46e3].into_iter().collect();
        let measured = Measured::higher("resp", "SET P1", "ops/s", &ours)
            .beside("Redis", Some(&Figure::from(30e3)))
            .target(Some(Target::Ratio(1.1)));
        let origin = Origin {
            form: Form::Quick,
            commit: "abc".to_owned(),
            machine: "2 cores".to_owned(),
            ..Origin::default()
        };
        let origin = origin.with_version("redis-server", Some("7.0"));
        let reason = "wrk is not installed".to_owned();
        vec![
            Record::Row(Box::new(Row { measured, origin })),
            Record::Skipped(Skipped { section: "http".to_owned(), reason }),
        ]
    }

    #[test]
    fn the_report_has_rows_plots_and_what_was_skipped() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old.svg"), "").unwrap();
        let file = write(folder.path(), &records()).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        for part in [
            "Short forms: ratios count, figures say little.\nCommit abc; redis-server 7.0; 2 cores.",
            "| resp | SET P1 | 36 (31–46) k/s | Redis 30 k/s | 1.20× | ≥ 1.1× | met |",
            "![resp, ops/s](resp-ops-s.svg)",
            "Skipped: http: wrk is not installed",
            "0 of 13 met.",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(folder.path().join("resp-ops-s.svg").exists());
        assert!(!folder.path().join("old.svg").exists(), "plots of earlier rows go");
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let expected = format!("a\n{BEGIN}\nnew\n{END}\nb\n");
        assert_eq!(replace(&page, "new\n\n").unwrap(), expected);
        assert_eq!(replace(&expected, "new").unwrap(), expected);
        for broken in ["a", BEGIN, &format!("{END}{BEGIN}")] {
            let error = replace(broken, "new").unwrap_err().to_string();
            assert!(error.starts_with("docs/benchmarks.md needs the lines"), "{error}");
        }
    }

    #[test]
    fn the_page_of_this_repository_has_the_markers() {
        let page = std::fs::read_to_string("../docs/benchmarks.md").unwrap();
        assert!(replace(&page, "new").is_ok());
    }

    #[test]
    fn the_page_gets_the_table_and_the_plots_with_redis() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        let page = root.path().join(PAGE);
        std::fs::write(&page, format!("# Benchmarks\n{BEGIN}\n{END}\n")).unwrap();
        refresh_docs(root.path(), &records()).unwrap();
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains("![resp, ops/s](bench/resp-ops-s.svg)"), "{text}");
        assert!(text.contains("0 of 13 met."), "{text}");
        assert!(root.path().join("docs/bench/resp-ops-s.svg").exists());
    }
}

//! Reads the table of allowed dependencies out of the architecture document.

use super::TABLE_FILE;
use crate::finding::Finding;

/// The lines around the table; Markdown does not show them.
const BEGIN: &str = "<!-- edges:begin -->";
const END: &str = "<!-- edges:end -->";

/// A row of the table: `from` may depend on `to`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) from: String,
    pub(super) to: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// The rows between the markers, without the two that make up the table's head.
pub(super) fn parse(document: &str) -> Result<Vec<Row>, Finding> {
    let missing = |marker| Finding::in_file(TABLE_FILE, format!("the line `{marker}` is missing"));
    let lines: Vec<(usize, &str)> =
        document.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).collect();
    let begin = lines.iter().position(|(_, line)| *line == BEGIN).ok_or_else(|| missing(BEGIN))?;
    let end = lines.iter().position(|(_, line)| *line == END).ok_or_else(|| missing(END))?;
    let table = lines.get(begin + 1..end).ok_or_else(|| missing(BEGIN))?;
    table
        .iter()
        .filter(|(_, line)| !line.is_empty())
        .skip(2)
        .map(|&(line, text)| parse_row(line, text))
        .collect()
}

fn parse_row(line: usize, text: &str) -> Result<Row, Finding> {
    let cells: Vec<&str> =
        text.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
    match cells.as_slice() {
        [from, to, why] if ![from, to, why].iter().any(|cell| cell.is_empty()) => {
            Ok(Row { from: (*from).to_owned(), to: (*to).to_owned(), line })
        }
        _ => Err(Finding::at_line(TABLE_FILE, line, "a row is `| From | To | Why |`, none empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &str, expected: Result<&[(&str, &str)], &str>) {
        let document =
            format!("# Title\n{BEGIN}\n| From | To | Why |\n|---|---|---|\n{rows}{END}\n");
        let found = parse(&document).map_err(|finding| finding.to_string());
        let found = found.map(|rows| rows.into_iter().map(|row| (row.from, row.to)).collect());
        let expected: Result<Vec<_>, _> = expected
            .map(|rows| rows.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect())
            .map_err(str::to_owned);
        assert_eq!(found, expected, "{rows}");
    }

    #[test]
    fn rows_are_read_and_broken_rows_are_named() {
        let broken = "docs/architecture.md:5: a row is `| From | To | Why |`, none empty";
        check("", Ok(&[]));
        check("| a | b | because |\n", Ok(&[("a", "b")]));
        check("|`a`|`b`|because|\n\n| b | c | so |\n", Ok(&[("a", "b"), ("b", "c")]));
        check("| a | b |\n", Err(broken));
        check("| a | b | |\n", Err(broken));
        check("| a | | because |\n", Err(broken));
    }

    #[test]
    fn markers_must_be_there_in_order() {
        for document in ["", BEGIN, END, &format!("{END}\n{BEGIN}\n")] {
            let finding = parse(document).unwrap_err();
            assert!(finding.to_string().contains("is missing"), "{document}: {finding}");
        }
    }
}

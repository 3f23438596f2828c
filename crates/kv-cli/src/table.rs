//! Lines up columns, also of rows that arrive over time.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::limits::COLUMN_CHARS_MAX;

/// A table that is written part by part: the width of a column only grows.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    widths: [usize; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with these headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { widths: [0; N], rows: vec![headings.map(str::to_owned)] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// Writes the rows added since the last time.
    pub(crate) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        for row in &self.rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.chars().count().min(COLUMN_CHARS_MAX).max(*width);
            }
        }
        for row in self.rows.drain(..) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(self.widths) {
                write!(line, "{cell:width$}  ").expect("a String takes all that is written");
            }
            writeln!(out, "{}", line.trim_end_matches(' '))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn columns_line_up_and_long_cells_do_not_push_the_others_away() {
        let mut table = Table::new(["KEY", "VERSION", "TTL"]);
        let mut out = Vec::new();
        table.row(["a".into(), "1".into(), "-".into()]);
        table.row(["ümläut".into(), "22".into(), "9s".into()]);
        table.write(&mut out).unwrap();
        table.row(["x".repeat(COLUMN_CHARS_MAX + 5), "3".into(), "-".into()]);
        table.row(["b".into(), String::new(), String::new()]);
        table.write(&mut out).unwrap();
        expect![[r"
            KEY     VERSION  TTL
            a       1        -
            ümläut  22       9s
            xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  3        -
            b
        "]]
        .assert_eq(&String::from_utf8(out).unwrap());
    }
}

//! The CSV format of libCacheSim: one request in each line, `time,object,size,...`.
//!
//! The object is in the column that a header line names, else in the second, or the only one. It may be any text.

use super::{Problem, Requests, TraceError};

/// What headers call the object's column.
const OBJECT_NAMES: [&str; 6] = ["obj_id", "obj-id", "object", "obj", "id", "key"];

/// Where the object is when no header tells: the second column.
const OBJECT_COLUMN: usize = 1;

pub(crate) fn parse(text: &str) -> Result<Vec<u32>, TraceError> {
    let mut requests = Requests::default();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let named = lines.peek().and_then(|(_, line)| column_of_header(line));
    if named.is_some() || lines.peek().is_some_and(|(_, line)| line.starts_with('#')) {
        lines.next();
    }
    for (index, line) in lines {
        requests.push(
            object(line, named)
                .map_err(|problem| TraceError::Malformed { line: index + 1, problem })?,
        )?;
    }
    requests.finish()
}

/// The object's column, if the line is a header.
fn column_of_header(line: &str) -> Option<usize> {
    let names =
        line.trim_start_matches('#').split(',').map(|name| name.trim().to_ascii_lowercase());
    names.into_iter().position(|name| OBJECT_NAMES.contains(&name.as_str()))
}

fn object(line: &str, named: Option<usize>) -> Result<&str, Problem> {
    let found = line.split(',').count();
    let column = named.unwrap_or(OBJECT_COLUMN.min(found - 1));
    let field = line.split(',').nth(column).map(str::trim);
    match field {
        None => Err(Problem::MissingField { wanted: column + 1, found }),
        Some("") => Err(Problem::EmptyKey { field: column + 1 }),
        Some(object) => Ok(object),
    }
}

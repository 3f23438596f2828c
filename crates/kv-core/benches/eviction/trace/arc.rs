//! The format of the ARC traces: `first block, number of blocks, unused, number of the request` in each line.
//!
//! A line is a request for each of its blocks, ascending.

use super::{Problem, Requests, TraceError};

/// Fields that are needed; more are left out.
const FIELDS_MIN: usize = 2;

pub(crate) fn parse(text: &str) -> Result<Vec<u32>, TraceError> {
    let mut requests = Requests::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let malformed = |problem| TraceError::Malformed { line: index + 1, problem };
        for block in blocks(line).map_err(malformed)? {
            requests.push(block)?;
        }
    }
    requests.finish()
}

fn blocks(line: &str) -> Result<std::ops::RangeInclusive<u64>, Problem> {
    let mut fields = line.split_whitespace();
    let (Some(first), Some(count)) = (fields.next(), fields.next()) else {
        let found = line.split_whitespace().count();
        return Err(Problem::MissingField { wanted: FIELDS_MIN, found });
    };
    let (first, count) = (number(1, first)?, number(2, count)?);
    let more = count.checked_sub(1).ok_or(Problem::NoBlocks)?;
    let last = first.checked_add(more).ok_or(Problem::BlockTooHigh)?;
    Ok(first..=last)
}

fn number(field: usize, text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_error| Problem::NoNumber { field, text: text.to_owned() })
}

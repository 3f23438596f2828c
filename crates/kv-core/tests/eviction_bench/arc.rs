//! Traces in the format of the ARC traces.

use crate::trace::arc::parse;
use crate::trace::{Problem, Requests, TraceError};

fn check_refused(text: &str, line: usize, problem: Problem) {
    assert_eq!(parse(text), Err(TraceError::Malformed { line, problem }), "{text:?}");
}

#[test]
fn a_line_asks_for_each_of_its_blocks() {
    assert_eq!(parse("100 3 0 1\n101 1 0 2\n\n99 2 0 3\r\n"), Ok(vec![0, 1, 2, 1, 3, 0]));
    let last = u64::MAX;
    assert_eq!(parse(&format!("{last} 1 0 1")), Ok(vec![0]));
}

#[test]
fn a_line_that_is_none_is_refused_with_its_number() {
    check_refused("1 1 0 1\n2\n", 2, Problem::MissingField { wanted: 2, found: 1 });
    check_refused("x 1 0 1", 1, Problem::NoNumber { field: 1, text: "x".to_owned() });
    check_refused("1 -1 0 1", 1, Problem::NoNumber { field: 2, text: "-1".to_owned() });
    check_refused("1 0 0 1", 1, Problem::NoBlocks);
    check_refused(&format!("{} 2 0 1", u64::MAX), 1, Problem::BlockTooHigh);
    assert_eq!(parse("\n"), Err(TraceError::Empty));
}

#[test]
fn a_trace_has_an_end() {
    let mut requests = Requests::with_most(2);
    assert_eq!([7, 7].map(|key| requests.push(key)), [Ok(()), Ok(())]);
    assert_eq!(requests.push(7), Err(TraceError::TooLong));
}

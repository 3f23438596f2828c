//! Traces in libCacheSim's CSV format.

use crate::trace::csv::parse;
use crate::trace::{Problem, TraceError};

fn check(text: &str, expected: &[u32]) {
    assert_eq!(parse(text).as_deref(), Ok(expected), "{text:?}");
}

fn check_refused(text: &str, line: usize, problem: Problem) {
    assert_eq!(parse(text), Err(TraceError::Malformed { line, problem }), "{text:?}");
}

#[test]
fn keys_come_from_the_column_that_the_header_names() {
    check("1,a,10\n2,b,10\n3,a,10\n", &[0, 1, 0]);
    check("time,obj_id,size\n1,7,10\n2,8,10\n3,7,1\n", &[0, 1, 0]);
    check("# time, object, size, next_access_vtime\n1, 7, 10, 3\n", &[0]);
    check("version,time,op,size,obj\n1,1,r,512,x\n1,2,r,512,y\r\n\n1,3,w,1,y", &[0, 1, 1]);
    check("x\ny\nx\n", &[0, 1, 0]);
    check("#\n1,a\n", &[0]);
}

#[test]
fn a_line_without_a_key_is_refused_with_its_number() {
    check_refused("1,a\n2,\n", 2, Problem::EmptyKey { field: 2 });
    let problem = Problem::MissingField { wanted: 5, found: 3 };
    check_refused("version,time,op,size,obj\n\n1,2,3\n", 3, problem);
    assert_eq!(parse(""), Err(TraceError::Empty));
    assert_eq!(parse("time,obj,size\n"), Err(TraceError::Empty));
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let error = parse("1,a\n2,\n").unwrap_err().to_string();
    assert_eq!(error, "line 2: field 2, the key, is empty");
    let error = parse("time,size,obj\n1,2\n").unwrap_err().to_string();
    assert_eq!(error, "line 2: at least 3 fields are needed, and there are 2");
}

//! Files stay short enough to hold one idea. Tests do not count.

use super::code::RustCode;
use crate::finding::Finding;

/// For any file.
const FILE_LINES_MAX: usize = 400;

/// For `lib.rs`, which is documentation, modules and re-exports.
const LIB_LINES_MAX: usize = 120;

pub(super) fn check(path: &str, code: &RustCode) -> Option<Finding> {
    let (lines_max, advice) = if path.ends_with("/lib.rs") {
        (LIB_LINES_MAX, "move what is not documentation, `mod` or `pub use` into modules")
    } else {
        (FILE_LINES_MAX, "give its second idea a file of its own")
    };
    let lines = code.without_tests().count();
    (lines > lines_max).then(|| {
        let message = format!("{lines} lines without tests, {lines_max} at most: {advice}");
        Finding::in_file(path, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_length(path: &str, lines: usize, test_lines: usize, is_fine: bool) {
        let tests = "#[cfg(test)]\nmod tests {\n".to_owned() + &"line\n".repeat(test_lines);
        let text = "line\n".repeat(lines) + &tests;
        let finding = check(path, &RustCode::new(path, &text));
        assert_eq!(finding.is_none(), is_fine, "{path} {lines} {test_lines} {finding:?}");
    }

    #[test]
    fn only_lines_without_tests_count() {
        check_length("crates/a/src/b.rs", 400, 1000, true);
        check_length("crates/a/src/b.rs", 401, 0, false);
        check_length("crates/a/src/lib.rs", 120, 1000, true);
        check_length("crates/a/src/lib.rs", 121, 0, false);
        check_length("crates/a/tests/b.rs", 1000, 0, true);
        check_length("crates/a/benches/b.rs", 1000, 0, true);
        check_length("crates/a/src/tests.rs", 1000, 0, true);
        check_length("crates/a/src/b_tests.rs", 1000, 0, true);
    }
}

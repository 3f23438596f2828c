//! A Rust file as the checks see it: comments and literals blanked, tests told apart.

use super::mask::mask;

/// A file's code, line by line.
#[derive(Debug)]
pub(super) struct RustCode {
    /// As long as the file, with spaces where comments and literals stood.
    masked: String,
    /// How many lines precede the tests.
    lines_without_tests: usize,
}

impl RustCode {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let masked = mask(text);
        let lines_without_tests = if is_test_file(path) { 0 } else { lines_before_tests(&masked) };
        Self { masked, lines_without_tests }
    }

    /// All lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.masked.lines()
    }

    /// The lines before the tests; none in a file of tests.
    pub(super) fn without_tests(&self) -> impl Iterator<Item = &str> {
        self.lines().take(self.lines_without_tests)
    }
}

/// Files that hold nothing but tests or benchmarks.
fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folders = format!("/{path}");
    name == "tests.rs"
        || name.ends_with("_tests.rs")
        || folders.contains("/tests/")
        || folders.contains("/benches/")
}

/// Counts up to the first `#[cfg(test)]` that opens a module.
///
/// `mod tests;` opens none: it stands among the first lines, and its tests are in another file.
fn lines_before_tests(masked: &str) -> usize {
    let lines: Vec<&str> = masked.lines().map(str::trim).collect();
    let begins_tests = |&start: &usize| match lines.get(start..) {
        Some(["#[cfg(test)]", after @ ..]) => opens_module(after),
        _ => false,
    };
    (0..lines.len()).find(begins_tests).unwrap_or(lines.len())
}

/// Whether the first item in `lines`, after its attributes, is a module with a body.
fn opens_module(lines: &[&str]) -> bool {
    let item = lines.iter().find(|line| !line.is_empty() && !line.starts_with("#["));
    item.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_tests(path: &str, text: &str, expected: usize) {
        assert_eq!(RustCode::new(path, text).without_tests().count(), expected, "{path}: {text}");
    }

    #[test]
    fn tests_begin_where_their_module_opens() {
        check_tests("src/a.rs", "a\nb\n", 2);
        check_tests("src/a.rs", "a\n#[cfg(test)]\nmod tests {\n}\n", 1);
        check_tests("src/a.rs", "a\n#[cfg(test)]\n#[expect(x)]\npub(crate) mod tests {\n}\n", 1);
        check_tests("src/a.rs", "#[cfg(test)]\nmod tests;\na\nb\n", 4);
        check_tests("src/a.rs", "#[cfg(test)]\nuse b;\na\n#[cfg(test)]\nmod tests {\n}\n", 3);
        check_tests("src/a.rs", "// #[cfg(test)]\nmod tests {\n}\n", 3);
    }

    #[test]
    fn files_of_tests_have_nothing_else() {
        for path in
            ["crates/a/tests/b.rs", "crates/a/tests/c/b.rs", "a/benches/b.rs", "a/src/tests.rs"]
        {
            check_tests(path, "a\n", 0);
        }
        for path in ["crates/a/src/latests.rs", "crates/a/src/contests/b.rs"] {
            check_tests(path, "a\n", 1);
        }
    }
}

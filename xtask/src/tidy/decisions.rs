//! Decision records: `docs/adr/NNNN-title.md`, numbered without gaps, each with the same headings.

use crate::finding::Finding;

const FOLDER: &str = "docs/adr/";

/// What every record holds, in lines of their own.
const HEADINGS: [&str; 3] = ["## Context", "## Decision", "## Consequences"];

/// Whether `path` is a decision record, well named or not.
pub(super) fn is_decision(path: &str) -> bool {
    path.starts_with(FOLDER)
}

/// Records that are misnamed, or whose numbers leave a gap or stand twice.
pub(super) fn numbering(files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expected = 1;
    for path in files.iter().filter(|path| is_decision(path)) {
        let Some(number) = number(path) else {
            findings.push(Finding::in_file(path, "the name must be NNNN-title.md"));
            continue;
        };
        if number != expected {
            let message = format!("the number is {number:04}, the next one free is {expected:04}");
            findings.push(Finding::in_file(path, message));
        }
        expected = number.max(expected - 1) + 1;
    }
    findings
}

/// The title and headings of one record.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(number) = number(path) {
        let title = format!("# ADR-{number:04}: ");
        if text.strip_prefix(&title).is_none_or(|rest| rest.starts_with('\n')) {
            let message = format!("the first line must be `{title}Title`");
            findings.push(Finding::at_line(path, 1, message));
        }
    }
    for heading in HEADINGS {
        if !text.lines().any(|line| line == heading) {
            findings.push(Finding::in_file(path, format!("the heading `{heading}` is missing")));
        }
    }
    findings
}

/// The number in a well-formed name.
fn number(path: &str) -> Option<u32> {
    let (digits, title) = path.strip_prefix(FOLDER)?.strip_suffix(".md")?.split_once('-')?;
    let is_title = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let is_well_formed = digits.len() == 4 && !title.is_empty() && title.chars().all(is_title);
    is_well_formed.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::printed;

    fn check_numbering(names: &[&str], expected: &[&str]) {
        let files: Vec<String> = names.iter().map(|name| format!("docs/adr/{name}")).collect();
        assert_eq!(printed(&numbering(&files)), expected, "{names:?}");
    }

    #[test]
    fn numbers_have_no_gap_and_stand_once() {
        check_numbering(&[], &[]);
        check_numbering(&["0001-a.md", "0002-b-c.md"], &[]);
        check_numbering(
            &["0001-a.md", "0001-b.md", "0002-c.md"],
            &["docs/adr/0001-b.md: the number is 0001, the next one free is 0002"],
        );
        check_numbering(
            &["0001-a.md", "0003-b.md", "0004-c.md"],
            &["docs/adr/0003-b.md: the number is 0003, the next one free is 0002"],
        );
    }

    #[test]
    fn names_say_number_and_title() {
        for name in ["1-a.md", "0001.md", "0001-.md", "0001-a.txt", "0001-a b.md", "README.md"] {
            let expected = format!("docs/adr/{name}: the name must be NNNN-title.md");
            check_numbering(&[name], &[&expected]);
        }
    }

    fn check_record(text: &str, expected: &[&str]) {
        assert_eq!(printed(&check("docs/adr/0001-a.md", text)), expected, "{text}");
    }

    #[test]
    fn records_have_title_and_headings() {
        check_record("# ADR-0001: A\n\n## Context\n\n## Decision\n\n## Consequences\n", &[]);
        check_record(
            "# ADR-0002: A\n## Context\ntext\n### Decision\n## Consequences\n",
            &[
                "docs/adr/0001-a.md:1: the first line must be `# ADR-0001: Title`",
                "docs/adr/0001-a.md: the heading `## Decision` is missing",
            ],
        );
    }
}

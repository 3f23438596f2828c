//! No line ends in white space.

use crate::finding::Finding;

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let ends_in_space = |line: &str| line.ends_with(char::is_whitespace);
    text.split('\n')
        .enumerate()
        .filter(|(_, line)| ends_in_space(line))
        .map(|(index, _)| Finding::at_line(path, index + 1, "the line ends in white space"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::finding::printed;

    #[test]
    fn white_space_at_the_end_of_a_line_is_found() {
        assert_eq!(printed(&check("a.md", "one\n\n  two\n")), [""; 0]);
        assert_eq!(
            printed(&check("a.md", "one \ntwo\t\nthree\r\n")),
            [
                "a.md:1: the line ends in white space",
                "a.md:2: the line ends in white space",
                "a.md:3: the line ends in white space",
            ]
        );
    }
}

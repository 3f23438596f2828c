//! The words of a command, as far as they are remembered.

use std::fmt;

/// Most bytes that are remembered of a command in all; connections keep a few of these while they wait.
const BYTES_MAX: usize = 1 << 10;

/// Bytes that tell the length of a word.
const LENGTH_BYTES: usize = 2;

/// What is put in the place of words that do not fit.
const REST: &[u8] = b"...";

/// Words one behind the other, each with its length in front: one allocation, however many there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Words(Vec<u8>);

impl fmt::Debug for Words {
    /// Without the words: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

impl Words {
    /// As many of the words as there is room for, and a sign that there are more.
    pub(crate) fn of<W: AsRef<[u8]>>(words: impl Iterator<Item = W> + Clone) -> Self {
        let all: usize = words.clone().map(|word| word.as_ref().len() + LENGTH_BYTES).sum();
        let mut bytes = Vec::with_capacity(all.min(BYTES_MAX));
        for word in words {
            let word = word.as_ref();
            // The sign needs room, too, unless this is the last that there is.
            let left = all - bytes.len() - (word.len() + LENGTH_BYTES);
            if bytes.len() + word.len() + LENGTH_BYTES + left.min(sign_bytes()) > BYTES_MAX {
                push(&mut bytes, REST);
                break;
            }
            push(&mut bytes, word);
            if bytes.len() >= all {
                break;
            }
        }
        Self(bytes)
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity()
    }

    /// The words, for people.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut rest = self.0.as_slice();
        let mut texts = Vec::new();
        while let Some((length, words)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_le_bytes(*length));
            let (word, behind) = words.split_at(length.min(words.len()));
            texts.push(String::from_utf8_lossy(word).into_owned());
            rest = behind;
        }
        texts
    }
}

const fn sign_bytes() -> usize {
    REST.len() + LENGTH_BYTES
}

fn push(bytes: &mut Vec<u8>, word: &[u8]) {
    // Longer ones have no room.
    let length = u16::try_from(word.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(word);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Words {
        Words::of(words.iter())
    }

    #[test]
    fn words_come_back_as_they_were_unless_they_are_no_text() {
        assert_eq!(of(&["SET", "", "väl"]).texts(), ["SET", "", "väl"]);
        assert_eq!(of(&[]).texts(), [""; 0]);
        assert_eq!(Words::of([b"\xff".as_slice()].iter()).texts(), ["\u{fffd}"]);
        assert!(!format!("{:?}", of(&["secret"])).contains("secret"));
    }

    #[test]
    fn so_many_bytes_are_kept_and_no_more() {
        let whole = "x".repeat(BYTES_MAX - 2);
        assert_eq!(of(&[&whole]).texts(), [whole.as_str()]);
        assert_eq!(of(&[&format!("{whole}x")]).texts(), ["..."]);
        let first = "x".repeat(BYTES_MAX - 2 - 5);
        assert_eq!(of(&[&first, "abc"]).texts(), [&first, "abc"]);
        let words = of(&[&first, "abcd"]);
        assert_eq!(words.texts(), [&first, "..."]);
        assert!(words.bytes() <= BYTES_MAX);
        let many = vec!["key"; 1000];
        let words = of(&many);
        assert_eq!(words.texts().last().map(String::as_str), Some("..."));
        assert!(words.bytes() <= BYTES_MAX, "{}", words.bytes());
    }
}

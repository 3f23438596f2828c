//! Words that must not occur in code, with the place to which each ban applies.
//!
//! Comments and literals may say anything. What clippy can forbid by path stands in `clippy.toml`.

use super::code::RustCode;
use crate::finding::Finding;

/// Words that have no business under a folder.
struct Ban {
    /// The start of the paths to which the ban applies.
    under: &'static str,
    /// The paths that start with one of these are spared.
    except: &'static [&'static str],
    /// A word is found where nothing that belongs to a name precedes it.
    words: &'static [&'static str],
    /// Whether tests are free to use the words.
    tests_may: bool,
    why: &'static str,
}

const BANS: [Ban; 4] = [
    Ban {
        under: "",
        except: &[],
        words: &["todo!(", "dbg!("],
        tests_may: false,
        why: "what is committed is finished",
    },
    Ban {
        under: "crates/kv-core/src/",
        except: &[],
        words: &[
            "SystemTime::now",
            "Instant::now",
            "std::fs",
            "fs::",
            "std::net",
            "net::",
            "thread::spawn",
            "tokio",
        ],
        tests_may: true,
        why: "invariant KV-I1: kv-core does no I/O, reads no clock, spawns nothing; take it through a trait",
    },
    Ban {
        under: "crates/kv-server/src/",
        except: &["crates/kv-server/src/main.rs", "crates/kv-server/src/daemon/"],
        words: &["anyhow"],
        tests_may: false,
        why: "the library's errors have types; anyhow is for the program",
    },
    Ban {
        under: "crates/kv-server/src/",
        except: &["crates/kv-server/src/main.rs", "crates/kv-server/src/daemon/"],
        words: &["kv_persist"],
        tests_may: false,
        why: "the library serves a Store and knows no way to keep it; the program joins the two",
    },
];

/// The lines with a banned word.
pub(super) fn check(path: &str, code: &RustCode) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| ban.applies_to(path)) {
        let lines: Vec<&str> =
            if ban.tests_may { code.without_tests().collect() } else { code.lines().collect() };
        for (index, line) in lines.into_iter().enumerate() {
            if let Some(word) = ban.words.iter().find(|word| contains_word(line, word)) {
                let message = format!("`{word}` is banned here: {}", ban.why);
                findings.push(Finding::at_line(path, index + 1, message));
            }
        }
    }
    findings
}

impl Ban {
    fn applies_to(&self, path: &str) -> bool {
        path.starts_with(self.under) && !self.except.iter().any(|spared| path.starts_with(spared))
    }
}

/// Whether `word` occurs other than as the end of a longer name.
fn contains_word(line: &str, word: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, _)| !line[..start].ends_with(is_name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::printed;

    fn banned(path: &str, text: &str) -> Vec<String> {
        printed(&check(path, &RustCode::new(path, text)))
    }

    #[test]
    fn kv_core_stays_pure() {
        let path = "crates/kv-core/src/a.rs";
        for line in [
            "let now = std::time::SystemTime::now();",
            "let now = Instant::now();",
            "use std::fs;",
            "fs::read(path)",
            "use std::net::TcpStream;",
            "std::thread::spawn(work);",
            "use tokio::sync;",
        ] {
            let found = banned(path, line);
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].starts_with("crates/kv-core/src/a.rs:1: `"), "{found:?}");
            assert!(found[0].contains("invariant KV-I1"), "{found:?}");
            assert_eq!(banned("crates/kv-server/src/a.rs", line), [""; 0], "{line}");
            let test = format!("#[cfg(test)]\nmod tests {{\n{line}\n}}\n");
            assert_eq!(banned(path, &test), [""; 0], "{line}");
        }
    }

    #[test]
    fn a_word_is_more_than_its_letters() {
        let path = "crates/kv-core/src/a.rs";
        for line in ["offs::read()", "// no tokio here", "let a = \"tokio\";", "subnet::mask()"] {
            assert_eq!(banned(path, line), [""; 0], "{line}");
        }
    }

    #[test]
    fn nothing_unfinished_is_committed() {
        for line in ["todo!()", "let a = dbg!(b);"] {
            assert_eq!(banned("xtask/src/a.rs", line).len(), 1, "{line}");
            let test = format!("#[cfg(test)]\nmod tests {{\n{line}\n}}\n");
            assert_eq!(banned("xtask/src/a.rs", &test).len(), 1, "{line}");
        }
    }

    #[test]
    fn anyhow_and_persistence_are_for_the_server_s_program() {
        for line in ["use anyhow::Result;", "use kv_persist::FileJournal;"] {
            assert_eq!(banned("crates/kv-server/src/main.rs", line), [""; 0]);
            assert_eq!(banned("crates/kv-server/src/daemon/start.rs", line), [""; 0]);
            assert_eq!(banned("crates/kv-cli/src/main.rs", line), [""; 0]);
            assert_eq!(banned("crates/kv-server/src/http/mod.rs", line).len(), 1);
        }
    }
}

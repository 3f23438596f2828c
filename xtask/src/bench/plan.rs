//! Which program measures what, and how it is called.

use anyhow::Result;
use clap::ValueEnum;
use kv_bench::Form;

/// The benchmarks that one can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    /// Everything but `log`, and the table of the numbers to reach
    All,
    /// The engine in one process
    Engine,
    /// The Redis protocol, beside Redis
    Resp,
    /// gRPC: unary calls and pipelines
    Grpc,
    /// GET over HTTP/1.1
    Http,
    /// Durability, through the real server and beside Redis
    Persist,
    /// The protocols, through the real server and beside Redis
    Protocols,
    /// Memory for each key: of the server beside others, and of the engine in one process
    Memory,
    /// How late expired keys leave memory
    Ttl,
    /// How often each eviction policy hits
    Eviction,
    /// The log under the engine, in one process; prints figures and records no rows
    Log,
}

/// A benchmark program.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    package: &'static str,
    bench: &'static str,
    /// What the sections of its rows start with, so that those of two programs differ.
    prefix: &'static str,
    sections: &'static [&'static str],
    /// Words that are no sections are files to replay.
    takes_files: bool,
    /// Whether it takes `--quick` and `--json`.
    records: bool,
}

static SERVER: Program = Program {
    package: "kv-server",
    bench: "server",
    prefix: "",
    sections: &[
        "resp", "http", "grpc", "metrics", "idle", "large", "tails", "latency", "peers", "memory",
        "turnover", "always", "interval", "restart", "snapshot", "size",
    ],
    takes_files: false,
    records: true,
};

const PROTOCOLS: [&str; 9] =
    ["resp", "http", "grpc", "metrics", "idle", "large", "tails", "latency", "peers"];

static ENGINE: Program = Program {
    package: "kv-core",
    bench: "engine",
    prefix: "engine-",
    sections: &[
        "memory",
        "memory-ttl",
        "operations",
        "gets",
        "pipelines",
        "expiry",
        "many-volatile",
        "compression",
        "mass-delete",
    ],
    takes_files: false,
    records: true,
};

static EVICTION: Program = Program {
    package: "kv-core",
    bench: "eviction",
    prefix: "eviction-",
    sections: &["zipf", "scans", "loops", "shifts", "recent", "cost"],
    takes_files: true,
    records: true,
};

static LOG: Program = Program {
    package: "kv-persist",
    bench: "log",
    prefix: "log-",
    sections: &[],
    takes_files: false,
    records: false,
};

static PROGRAMS: [&Program; 3] = [&SERVER, &ENGINE, &EVICTION];

impl Name {
    /// The programs that it takes, with the sections of each.
    fn parts(self) -> Vec<(&'static Program, &'static [&'static str])> {
        match self {
            Self::All => PROGRAMS.map(|program| (program, program.sections)).to_vec(),
            Self::Engine => vec![(&ENGINE, ENGINE.sections)],
            Self::Resp => vec![(&SERVER, &["resp"])],
            Self::Grpc => vec![(&SERVER, &["grpc"])],
            Self::Http => vec![(&SERVER, &["http"])],
            Self::Persist => {
                vec![(&SERVER, &["always", "interval", "restart", "snapshot", "size"])]
            }
            Self::Protocols => {
                vec![(&SERVER, &PROTOCOLS)]
            }
            Self::Memory => {
                vec![(&SERVER, &["memory", "turnover"]), (&ENGINE, &["memory", "memory-ttl"])]
            }
            Self::Ttl => vec![(&ENGINE, &["expiry", "many-volatile"])],
            Self::Eviction => vec![(&EVICTION, EVICTION.sections)],
            Self::Log => vec![(&LOG, &[])],
        }
    }
}

/// One call of a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    program: &'static Program,
    words: Vec<String>,
}

/// What to call for a benchmark, or for parts of it.
///
/// `all` calls a program for each section: one that fails takes no other with it.
pub(super) fn runs(name: Name, sections: &[String]) -> Result<Vec<Run>> {
    let parts = name.parts();
    if name == Name::All {
        anyhow::ensure!(sections.is_empty(), "`all` has every section: name the benchmark instead");
        let each = |(program, sections): (&'static Program, &'static [&'static str])| {
            sections.iter().map(move |&word| Run { program, words: vec![word.to_owned()] })
        };
        return Ok(parts.into_iter().flat_map(each).collect());
    }
    check_sections(&parts, sections)?;
    let mut runs = Vec::new();
    for (program, own) in parts {
        let wanted = sections.iter().filter(|word| program.takes(own, word));
        let mut words: Vec<String> = wanted.map(|word| from_anywhere(own, word)).collect();
        if sections.is_empty() {
            words.extend(own.iter().map(|&word| word.to_owned()));
        } else if words.is_empty() {
            continue;
        }
        runs.push(Run { program, words });
    }
    Ok(runs)
}

/// A name that nobody knows would measure nothing, and nobody would notice.
fn check_sections(
    parts: &[(&'static Program, &'static [&'static str])],
    sections: &[String],
) -> Result<()> {
    let is_known = |word: &String| parts.iter().any(|(program, own)| program.takes(own, word));
    if let Some(unknown) = sections.iter().find(|word| !is_known(word)) {
        let known: Vec<&str> = parts.iter().flat_map(|(_, own)| own.iter().copied()).collect();
        let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
        anyhow::bail!("there is no section `{unknown}` here: {known}");
    }
    Ok(())
}

impl Program {
    fn takes(&self, own: &[&str], word: &str) -> bool {
        own.contains(&word) || self.takes_files
    }

    fn command(&self) -> String {
        format!("cargo bench --locked -p {} --bench {}", self.package, self.bench)
    }
}

/// A section as it is, and a file as a program finds it that runs in another directory.
fn from_anywhere(own: &[&str], word: &str) -> String {
    if own.contains(&word) {
        return word.to_owned();
    }
    std::path::absolute(word).map_or(word.to_owned(), |path| path.display().to_string())
}

impl Run {
    /// Measures, and appends rows to `json`.
    pub(super) fn line(&self, form: Form, json: &str) -> String {
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        if form == Form::Quick {
            words.push("--quick");
        }
        if self.program.records {
            words.extend(["--json", json]);
        }
        let separator = if words.is_empty() { "" } else { " -- " };
        format!("{}{separator}{}", self.program.command(), words.join(" "))
    }

    /// For people.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.program.bench, self.words.join(" "))
    }

    /// The sections that its rows have.
    fn row_sections(&self) -> impl Iterator<Item = String> {
        self.words.iter().map(|word| format!("{}{word}", self.program.prefix))
    }
}

/// The command lines that build what the runs need, each once.
pub(super) fn builds(runs: &[Run]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for run in runs {
        let line = format!("{} --no-run", run.program.command());
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The sections of all rows that the runs measure.
pub(super) fn row_sections(runs: &[Run]) -> Vec<String> {
    runs.iter().flat_map(Run::row_sections).collect()
}

/// What measures the rows of these sections again.
pub(super) fn again(row_sections: &[&str]) -> Vec<Run> {
    let run = |section: &&str| {
        PROGRAMS.iter().find_map(|program| {
            let word = section.strip_prefix(program.prefix)?;
            let is_own = program.sections.contains(&word);
            is_own.then(|| Run { program, words: vec![word.to_owned()] })
        })
    };
    row_sections.iter().filter_map(run).collect()
}

/// For people.
pub(super) fn titles(runs: &[Run]) -> String {
    runs.iter().map(Run::title).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: Name, sections: &[&str], form: Form) -> Vec<String> {
        let sections: Vec<String> = sections.iter().map(|&section| section.to_owned()).collect();
        let runs = runs(name, &sections).unwrap();
        runs.iter().map(|run| run.line(form, "rows")).collect()
    }

    fn check(name: Name, sections: &[&str], form: Form, expected: &[&str]) {
        assert_eq!(lines(name, sections, form), expected, "{name:?} {sections:?}");
    }

    #[test]
    fn names_become_calls_of_programs() {
        let persist = "cargo bench --locked -p kv-server --bench server -- always interval restart snapshot size --json rows";
        check(Name::Persist, &[], Form::Full, &[persist]);
        let size = "cargo bench --locked -p kv-server --bench server -- size --quick --json rows";
        check(Name::Persist, &["size"], Form::Quick, &[size]);
        let protocols = "cargo bench --locked -p kv-server --bench server -- resp http grpc metrics idle large tails latency peers --json rows";
        check(Name::Protocols, &[], Form::Full, &[protocols]);
        let ttl =
            "cargo bench --locked -p kv-core --bench engine -- expiry many-volatile --json rows";
        check(Name::Ttl, &[], Form::Full, &[ttl]);
        check(Name::Log, &[], Form::Full, &["cargo bench --locked -p kv-persist --bench log"]);
    }

    #[test]
    fn memory_is_measured_by_two_programs() {
        let server =
            "cargo bench --locked -p kv-server --bench server -- memory turnover --json rows";
        let engine =
            "cargo bench --locked -p kv-core --bench engine -- memory memory-ttl --json rows";
        check(Name::Memory, &[], Form::Full, &[server, engine]);
    }

    #[test]
    fn files_are_found_from_anywhere() {
        let line = "cargo bench --locked -p kv-core --bench eviction -- zipf /a.csv --json rows";
        check(Name::Eviction, &["zipf", "/a.csv"], Form::Full, &[line]);
    }

    #[test]
    fn all_calls_a_program_for_every_section_and_builds_each_once() {
        let runs = runs(Name::All, &[]).unwrap();
        assert_eq!(
            runs.len(),
            PROGRAMS.iter().map(|program| program.sections.len()).sum::<usize>()
        );
        assert!(runs.iter().all(|run| run.words.len() == 1));
        assert_eq!(builds(&runs).len(), PROGRAMS.len());
        assert!(builds(&runs).iter().all(|line| line.ends_with(" --no-run")));
        // No two sections of rows have the same name, and each leads back to its run.
        let sections = row_sections(&runs);
        let names: Vec<&str> = sections.iter().map(String::as_str).collect();
        assert_eq!(again(&names), runs);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let refusal = |name, word: &str| runs(name, &[word.to_owned()]).unwrap_err().to_string();
        assert_eq!(
            refusal(Name::Persist, "resp"),
            "there is no section `resp` here: always, interval, restart, snapshot, size"
        );
        assert_eq!(refusal(Name::Log, "a"), "there is no section `a` here: it has none");
        assert!(refusal(Name::All, "resp").starts_with("`all` has every section"));
    }

    #[test]
    fn the_programs_have_the_sections_that_are_named_here() {
        for (program, source) in [
            (&SERVER, "../crates/kv-server/benches/server/main.rs"),
            (&ENGINE, "../crates/kv-core/benches/engine/main.rs"),
            (&EVICTION, "../crates/kv-core/benches/eviction/main.rs"),
        ] {
            let text = std::fs::read_to_string(source).unwrap();
            for section in program.sections {
                assert!(text.contains(&format!("\"{section}\"")), "{source} has {section}");
            }
        }
    }
}

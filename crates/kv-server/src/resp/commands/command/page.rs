//! The tables of commands in docs/resp.md, made of the one table there is, and what the page says there is not.

use super::describe::flags;
use super::syntax::syntax;
use super::{Command, Group, resolve_name, table};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/resp.md");

/// When it is set, the test writes the page instead of comparing it.
const REFRESH: &str = "KV_REFRESH_PAGES";

/// What stands around the tables.
const MARKS: [&str; 2] = ["<!-- commands:begin -->\n", "<!-- commands:end -->\n"];

/// What stands around the names of commands that there are not.
const MISSING_MARKS: [&str; 2] = ["<!-- missing:begin -->\n", "<!-- missing:end -->\n"];

/// The families, in the order of the page.
const GROUPS: [(Group, &str); 4] = [
    (Group::String, "Strings"),
    (Group::Generic, "Keys"),
    (Group::Connection, "Connection"),
    (Group::Server, "Server"),
];

/// Where a command does otherwise, or less, than Redis's documentation says of it.
const DEVIATIONS: [(&str, &str); 14] = [
    ("bgrewriteaof", "takes a snapshot, which is what lets go of old parts of the log"),
    ("client|no-evict", "shown, and without effect: no client is closed for want of memory"),
    ("client|no-touch", "shown, and without effect: every read counts as a use of its key"),
    ("client|setinfo", "as in Redis 7.2"),
    ("config|set", "what can be changed: [below](#settings)"),
    ("copy", "within database 0, the only one"),
    ("flushall", "others may always go on meanwhile: `SYNC` and `ASYNC` are the same"),
    ("flushdb", "others may always go on meanwhile: `SYNC` and `ASYNC` are the same"),
    ("object|idletime", "always 0: when a key was used last is not kept"),
    ("object|refcount", "always 1: no two keys share a value"),
    ("restore", "takes values of strings; `IDLETIME` and `FREQ` are checked and forgotten"),
    ("select", "0 is the only database"),
    ("set", "`IFEQ` as in Valkey 8.1"),
    ("waitaof", "as in Redis 7.2, without replicas"),
];

/// The tables.
fn tables() -> String {
    let mut text = String::new();
    for (group, title) in GROUPS {
        let head = "| Command | Arity | Flags | Since | What it does | Otherwise than in Redis |";
        text.extend(["### ", title, "\n\n", head, "\n|---|---|---|---|---|---|\n"]);
        let mut commands: Vec<&Command> = table::numbered().to_vec();
        commands.retain(|command| command.group == group && command.subcommands.is_empty());
        commands.extend(table::all().filter(|command| {
            // It is a command by itself, too.
            command.group == group && !command.subcommands.is_empty() && command.arity == -1
        }));
        commands.sort_unstable_by_key(|command| command.full_name());
        text.extend(commands.into_iter().map(row));
        text.push('\n');
    }
    text
}

fn row(command: &Command) -> String {
    let name = command.full_name();
    let deviation = DEVIATIONS.iter().find(|(of, _)| *of == name).map_or("", |(_, text)| text);
    let written = format!("{} {}", name.to_uppercase().replace('|', " "), syntax(command));
    let flags: Vec<String> = flags(command).collect();
    format!(
        "| `{}` | {} | {} | {} | {} | {deviation} |\n",
        written.trim_end().replace('|', "\\|"),
        command.arity,
        flags.join(" "),
        command.since,
        command.summary,
    )
}

/// What stands before two marks, between them, and behind.
fn split<'a>(page: &'a str, [begin, end]: [&str; 2]) -> [&'a str; 3] {
    let (before, rest) = page.split_once(begin).expect("the section begins");
    let (between, behind) = rest.split_once(end).expect("the section ends");
    [before, between, behind]
}

#[test]
fn the_page_has_the_commands_of_the_table() {
    let page = std::fs::read_to_string(PAGE).expect("docs/resp.md");
    let ([before, shown, behind], [begin, end]) = (split(&page, MARKS), MARKS);
    let tables = format!("\n{}", tables());
    if std::env::var_os(REFRESH).is_some() {
        let page = [before, begin, &tables, end, behind].concat();
        std::fs::write(PAGE, page).expect("docs/resp.md");
        return;
    }
    assert!(
        shown == tables,
        "docs/resp.md is not what the table of commands says; to write it anew:\n  {REFRESH}=1 cargo test \
         -p kv-server --lib the_page_has_the_commands_of_the_table\nand it says:\n{tables}"
    );
}

#[test]
fn only_commands_deviate_and_none_that_is_said_to_be_missing_is_there() {
    for (name, _) in DEVIATIONS {
        assert!(resolve_name(name.as_bytes()).is_some(), "{name}");
    }
    let page = std::fs::read_to_string(PAGE).expect("docs/resp.md");
    let names: Vec<&str> = split(&page, MISSING_MARKS)[1].split('`').skip(1).step_by(2).collect();
    assert!(names.len() > 100, "{names:?}");
    for name in names {
        assert!(resolve_name(name.replace(' ', "|").as_bytes()).is_none(), "there is {name}");
    }
}

//! Runs what `docs/clients.md` shows: each block of code that has its output below it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::catalog::Client;
use super::server::{Server, Tested};
use super::software::Ready;

/// The page, relative to the workspace root.
const PAGE: &str = "docs/clients.md";

/// The ports that the page shows, which are the default ones.
const PORTS: [(&str, &str); 4] =
    [("resp", "7379"), ("grpc", "7380"), ("http", "7381"), ("admin", "7382")];

/// A block of code and what it prints.
#[derive(Debug, PartialEq, Eq)]
struct Snippet {
    code: String,
    output: String,
}

/// Runs what the page shows of a client, with a server that holds nothing.
pub(super) fn run(root: &Path, client: &Client, ready: &Ready, tested: &Tested) -> Result<()> {
    let page = std::fs::read_to_string(root.join(PAGE)).context("docs/clients.md is missing")?;
    let snippets = snippets(&page, client.name);
    anyhow::ensure!(!snippets.is_empty(), "{PAGE} shows nothing under `## {}`", client.name);
    for snippet in &snippets {
        let mut server = Server::start(tested.clone())?;
        let code = with_addresses(&snippet.code, &server)?;
        let mut command = command(client, ready, &code)?;
        let output = command.envs(server.environment()).stdin(Stdio::null()).output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        anyhow::ensure!(
            output.status.success() && printed == snippet.output,
            "what {PAGE} shows ended with {}\n    expected {:?}\n    got      {printed:?}\n{}",
            output.status,
            snippet.output,
            String::from_utf8_lossy(&output.stderr),
        );
        server.stop()?;
    }
    println!("   {} of {} snippets passed", snippets.len(), snippets.len());
    Ok(())
}

/// What runs a snippet.
fn command(client: &Client, ready: &Ready, code: &str) -> Result<Command> {
    let installed = match ready {
        Ready::Script(installed) => installed,
        Ready::Program { .. } => {
            let mut shell = Command::new("sh");
            shell.args(["-ec", code]);
            return Ok(shell);
        }
    };
    let Some(suffix) = installed.suffix else {
        // Built from the same page, by the build script of `xtask/clients/rust/`.
        return Ok(Command::new(installed.folder.join(format!("debug/{}-snippet", client.name))));
    };
    let script = installed.folder.join(format!("snippet.{suffix}"));
    std::fs::write(&script, code)?;
    Ok(installed.other(&script))
}

/// The snippets under the heading `## NAME`.
fn snippets(page: &str, name: &str) -> Vec<Snippet> {
    let section =
        page.split("\n## ").find_map(|section| section.strip_prefix(name)?.strip_prefix('\n'));
    let mut snippets = Vec::new();
    let mut code: Option<String> = None;
    // What is between fences is every other part.
    for part in section.unwrap_or_default().split("```").skip(1).step_by(2) {
        let Some((language, text)) = part.split_once('\n') else { continue };
        code = match (language, code) {
            ("text", Some(code)) => {
                snippets.push(Snippet { code, output: text.to_owned() });
                None
            }
            _ => Some(text.to_owned()),
        };
    }
    snippets
}

/// The code with the server's ports instead of those that the page shows.
fn with_addresses(code: &str, server: &Server) -> Result<String> {
    let mut code = code.to_owned();
    for (protocol, shown) in PORTS {
        if code.contains(shown) {
            code = code.replace(shown, server.host_and_port(protocol)?.1);
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Page\n\n## a\n\nText.\n\n```sh\ninstall\n```\n\n```python\nprint(1)\n```\n\
                        \n```text\n1\n```\n\n## ab\n\n```js\n2\n```\n";

    #[test]
    fn a_snippet_is_code_with_its_output() {
        let expected = Snippet { code: "print(1)\n".to_owned(), output: "1\n".to_owned() };
        assert_eq!(snippets(TEXT, "a"), [expected]);
        assert_eq!(snippets(TEXT, "ab"), []);
        assert_eq!(snippets(TEXT, "none"), []);
    }
}

//! `redis-cli`: commands in every way it takes them, and its tools: scans, mass insertion, statistics.

mod terminal;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result};

use super::server::Server;
use terminal::Terminal;

/// The keys that tools go through: `key:0` and so on.
const KEYS: usize = 1500;

/// The length of the longest value, under `big`.
const BIG_BYTES: usize = 100_000;

/// How many lines of what went wrong are shown.
const STDERR_LINES_SHOWN: usize = 5;

type Check = fn(&RedisCli<'_>) -> Result<()>;

const CHECKS: [(&str, Check); 10] = [
    ("commands as arguments", arguments),
    ("commands from standard input", standard_input),
    ("an interactive session", interactive),
    ("RESP3 and JSON", resp3),
    ("--pipe", pipe),
    ("--scan", scan),
    ("--bigkeys", big_keys),
    ("--memkeys", memory_keys),
    ("--stat", statistics),
    ("--latency", latency),
];

/// Runs all checks, in an order in which later ones find the keys of earlier ones.
pub(super) fn check(server: &Server) -> Result<()> {
    let (host, port) = server.host_and_port("resp")?;
    let cli = RedisCli { host, port };
    for (name, check) in CHECKS {
        check(&cli).with_context(|| format!("redis-cli: {name}"))?;
    }
    println!("   {} of {} checks passed", CHECKS.len(), CHECKS.len());
    Ok(())
}

/// The program, pointed at a server.
struct RedisCli<'a> {
    host: &'a str,
    port: &'a str,
}

impl RedisCli<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("redis-cli");
        command.args(["-h", self.host, "-p", self.port]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output> {
        let mut child = self.command(arguments).spawn().context("redis-cli cannot be started")?;
        child.stdin.take().context("it has no input")?.write_all(input)?;
        Ok(child.wait_with_output()?)
    }

    /// What it prints, which must be nothing but an answer.
    fn told(&self, arguments: &[&str], input: &[u8]) -> Result<String> {
        let output = self.run(arguments, input)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success() && stderr.is_empty(),
            "{arguments:?} ended with {}: {}",
            output.status,
            stderr.lines().take(STDERR_LINES_SHOWN).collect::<Vec<_>>().join("\n    ")
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Fails unless it prints exactly this.
    fn tells(&self, arguments: &[&str], input: &[u8], expected: &str) -> Result<()> {
        let told = self.told(arguments, input)?;
        anyhow::ensure!(
            told == expected,
            "{arguments:?}\n    expected {expected:?}\n    got      {told:?}"
        );
        Ok(())
    }
}

fn arguments(cli: &RedisCli<'_>) -> Result<()> {
    cli.tells(&["FLUSHALL"], b"", "OK\n")?;
    cli.tells(&["SET", "k", "v"], b"", "OK\n")?;
    cli.tells(&["GET", "k"], b"", "v\n")?;
    cli.tells(&["--no-raw", "GET", "k"], b"", "\"v\"\n")?;
    cli.tells(&["--no-raw", "GET", "none"], b"", "(nil)\n")?;
    cli.tells(&["--no-raw", "EXISTS", "k"], b"", "(integer) 1\n")?;
    cli.tells(&["--csv", "MGET", "k", "none"], b"", "\"v\",NULL\n")?;
    cli.tells(&["-r", "3", "INCR", "n"], b"", "1\n2\n3\n")?;
    cli.tells(&["-n", "0", "DBSIZE"], b"", "2\n")?;
    // `-x` takes the last argument from standard input, whatever bytes it has.
    cli.tells(&["-x", "SET", "binary"], b"a\0b\r\nc", "OK\n")?;
    cli.tells(&["STRLEN", "binary"], b"", "6\n")?;
    let refused = cli.run(&["-e", "GET"], b"")?;
    let stderr = String::from_utf8_lossy(&refused.stderr);
    anyhow::ensure!(
        !refused.status.success() && stderr.contains("ERR wrong number of arguments for 'get'"),
        "-e GET ended with {}: {stderr}",
        refused.status
    );
    Ok(())
}

fn standard_input(cli: &RedisCli<'_>) -> Result<()> {
    let input = b"SET a 1\nGET a\nINCR a\nMGET a none\n\"SET\" \"with space\" \"\\x00\\xff\"\nSTRLEN \"with space\"\n";
    cli.tells(&[], input, "OK\n1\n2\n2\n\nOK\n2\n")
}

/// At a terminal it asks for the documentation of all commands first, for its hints and its help.
fn interactive(cli: &RedisCli<'_>) -> Result<()> {
    if !terminal::is_available() {
        println!("   no interactive session: `script` is not installed");
        return Ok(());
    }
    let prompt = format!("{}:{}> ", cli.host, cli.port);
    let mut terminal =
        Terminal::start(&format!("redis-cli -h {} -p {}", cli.host, cli.port), prompt)?;
    terminal.asks("SET k \"two words\"", &["OK"])?;
    terminal.asks("GET k", &["\"two words\""])?;
    terminal.asks("INCR k", &["(error) ERR value is not an integer or out of range"])?;
    terminal.asks("MGET k none", &["1) \"two words\"", "2) (nil)"])?;
    terminal.asks("HELP SETRANGE", &["SETRANGE", "key offset value", "summary:"])?;
    terminal.asks("SELECT 0", &["OK"])?;
    terminal.leaves("QUIT")
}

fn resp3(cli: &RedisCli<'_>) -> Result<()> {
    cli.tells(&["-3", "SET", "k", "v"], b"", "OK\n")?;
    cli.tells(&["-3", "--no-raw", "GET", "none"], b"", "(nil)\n")?;
    cli.tells(
        &["-3", "--no-raw", "CONFIG", "GET", "maxmemory"],
        b"",
        "1# \"maxmemory\" => \"0\"\n",
    )?;
    cli.tells(&["--json", "CONFIG", "GET", "maxmemory"], b"", "{\"maxmemory\":\"0\"}\n")?;
    cli.tells(&["-2", "CONFIG", "GET", "maxmemory"], b"", "maxmemory\n0\n")?;
    let hello = cli.told(&["-3", "HELLO"], b"")?;
    anyhow::ensure!(hello.contains("proto 3\n"), "HELLO told\n{hello}");
    Ok(())
}

/// Mass insertion: the protocol itself, as fast as it is read.
fn pipe(cli: &RedisCli<'_>) -> Result<()> {
    cli.tells(&["FLUSHALL"], b"", "OK\n")?;
    let mut input: String = (0..KEYS).map(|number| set(&format!("key:{number}"), "v")).collect();
    input += &set("big", &"x".repeat(BIG_BYTES));
    let told = cli.told(&["--pipe"], input.as_bytes())?;
    let expected = format!("errors: 0, replies: {}\n", KEYS + 1);
    anyhow::ensure!(told.ends_with(&expected), "expected {expected:?} at the end of {told:?}");
    cli.tells(&["DBSIZE"], b"", &format!("{}\n", KEYS + 1))?;
    cli.tells(&["STRLEN", "big"], b"", &format!("{BIG_BYTES}\n"))?;

    let wrong = format!("{}*1\r\n$6\r\nNOSUCH\r\n{}", set("key:0", "w"), set("key:1", "w"));
    let output = cli.run(&["--pipe"], wrong.as_bytes())?;
    let told = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(told.ends_with("errors: 1, replies: 3\n"), "with a wrong command: {told:?}");
    cli.tells(&["MGET", "key:0", "key:1"], b"", "w\nw\n")
}

/// A SET as it is sent.
fn set(key: &str, value: &str) -> String {
    let (key_bytes, value_bytes) = (key.len(), value.len());
    format!("*3\r\n$3\r\nSET\r\n${key_bytes}\r\n{key}\r\n${value_bytes}\r\n{value}\r\n")
}

fn scan(cli: &RedisCli<'_>) -> Result<()> {
    let scanned = |arguments: &[&str]| -> Result<Vec<String>> {
        let told = cli.told(arguments, b"")?;
        let mut keys: Vec<String> = told.lines().map(str::to_owned).collect();
        keys.sort();
        // A scan may show a key twice.
        keys.dedup();
        Ok(keys)
    };
    let mut expected: Vec<String> = (0..KEYS).map(|number| format!("key:{number}")).collect();
    expected.push("big".to_owned());
    expected.sort();
    anyhow::ensure!(scanned(&["--scan"])? == expected, "--scan does not show every key");
    expected.retain(|key| key.len() == "key:127".len() && key.starts_with("key:12"));
    let found = scanned(&["--scan", "--pattern", "key:12?"])?;
    anyhow::ensure!(found == expected, "--pattern key:12? shows {found:?}");
    Ok(())
}

fn big_keys(cli: &RedisCli<'_>) -> Result<()> {
    let report = cli.told(&["--bigkeys"], b"")?;
    let sampled = format!("Sampled {} keys in the keyspace!", KEYS + 1);
    let biggest = format!("has {BIG_BYTES} bytes");
    let strings = format!("{} strings with {} bytes", KEYS + 1, KEYS + BIG_BYTES);
    for expected in [sampled.as_str(), "\"big\"", &biggest, &strings] {
        anyhow::ensure!(report.contains(expected), "{expected:?} is not in\n{report}");
    }
    Ok(())
}

fn memory_keys(cli: &RedisCli<'_>) -> Result<()> {
    let report = cli.told(&["--memkeys"], b"")?;
    let is_biggest =
        |line: &&str| line.starts_with("Biggest string found") && line.contains("\"big\"");
    let biggest = report.lines().find(is_biggest);
    let bytes =
        biggest.and_then(|line| line.split(" has ").nth(1)?.split(' ').next()?.parse().ok());
    let bytes: usize = bytes.with_context(|| format!("no biggest string in\n{report}"))?;
    anyhow::ensure!(bytes > BIG_BYTES, "{bytes} bytes are fewer than the value has");
    Ok(())
}

/// A line with the server's figures, again and again, from INFO.
fn statistics(cli: &RedisCli<'_>) -> Result<()> {
    let lines = first_lines(cli.command(&["--stat", "-i", "0.05"]), 4)?;
    let keys = format!("{} ", KEYS + 1);
    for line in lines.iter().skip(2) {
        anyhow::ensure!(line.starts_with(&keys), "expected {keys:?} first: {lines:#?}");
    }
    let fields: Vec<&str> = lines.last().map_or("", String::as_str).split_whitespace().collect();
    let is_size = |text: &str| text.ends_with(['K', 'M', 'G', 'B']) && !text.starts_with('0');
    anyhow::ensure!(
        fields.get(1).is_some_and(|memory| is_size(memory)) && fields.get(2) == Some(&"1"),
        "expected memory and one client: {lines:#?}"
    );
    Ok(())
}

/// The first lines that a program prints which would go on for ever.
fn first_lines(mut command: Command, count: usize) -> Result<Vec<String>> {
    let mut child = command.spawn().context("redis-cli cannot be started")?;
    let lines = read_lines(&mut child, count);
    child.kill()?;
    child.wait()?;
    let lines = lines?;
    anyhow::ensure!(lines.len() == count, "it ended after {lines:#?}");
    Ok(lines)
}

fn read_lines(child: &mut Child, count: usize) -> Result<Vec<String>> {
    let stdout = child.stdout.take().context("it has no output")?;
    Ok(BufReader::new(stdout).lines().take(count).collect::<Result<_, _>>()?)
}

/// Least, most and mean of the milliseconds that PING takes, and how many were sent.
fn latency(cli: &RedisCli<'_>) -> Result<()> {
    let told = cli.told(&["--latency", "--raw", "-i", "0.1"], b"")?;
    let numbers: Vec<f64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let &[min, max, mean, samples] = numbers.as_slice() else {
        anyhow::bail!("expected four numbers: {told:?}");
    };
    anyhow::ensure!(min <= mean && mean <= max + 1.0 && samples >= 1.0, "unlikely: {told:?}");
    Ok(())
}

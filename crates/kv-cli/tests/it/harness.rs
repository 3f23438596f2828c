//! Runs the binary and shows what it did.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kv_server::testing::TestServer;
use tempfile::TempDir;
use tokio::net::TcpSocket;

/// A server, a folder for files, and the binary to use on them.
pub(crate) struct Cli {
    address: String,
    folder: TempDir,
    _server: Option<TestServer>,
    _nobody: Option<Nobody>,
}

/// A port that refuses connections for as long as this lives: nobody else can be given it meanwhile.
#[derive(Debug)]
pub(crate) struct Nobody(TcpSocket);

impl Nobody {
    pub(crate) fn is_here() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Cli {
    /// With a server of its own. The tests block their thread, so that the server needs another one.
    pub(crate) fn start() -> Self {
        Self::with(TestServer::start())
    }

    pub(crate) fn with(server: TestServer) -> Self {
        let address = server.addr();
        Self { _server: Some(server), ..Self::with_address(address) }
    }

    /// With the address of a server that is not there.
    pub(crate) fn without_server() -> Self {
        let nobody = Nobody::is_here();
        let address = format!("http://{}", nobody.addr());
        Self { _nobody: Some(nobody), ..Self::with_address(address) }
    }

    /// With a server that somebody else keeps.
    pub(crate) fn with_address(address: String) -> Self {
        Self { address, folder: tempfile::tempdir().unwrap(), _server: None, _nobody: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kv-cli"));
        command.args(arguments).env("KV_ADDR", &self.address).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, line: &str) -> Child {
        self.command(words(line)).spawn().unwrap()
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command(arguments).spawn().unwrap())
    }

    /// Runs a line; words are separated by spaces, `''` is an empty one.
    pub(crate) fn line(&self, line: &str) -> Ran {
        self.run(words(line))
    }

    pub(crate) fn with_input(&self, line: &str, input: &[u8]) -> Ran {
        let mut child = self.command(words(line)).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let ran = Ran::of(child);
        // The program may have ended before it has read everything.
        drop(writing.join().unwrap());
        ran
    }

    /// Runs lines and shows what a user would see. Versions and times differ from run to run, and so
    /// are shown by name.
    pub(crate) fn session(&self, lines: &str) -> String {
        let mut text = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let ran = self.line(line);
            writeln!(text, "$ kv-cli {line}").unwrap();
            text.push_str(&String::from_utf8_lossy(&ran.stdout));
            if ran.stdout.last().is_some_and(|byte| *byte != b'\n') {
                text.push_str("(no newline)\n");
            }
            text.push_str(&ran.stderr);
            if ran.code != 0 {
                writeln!(text, "[{}]", ran.code).unwrap();
            }
        }
        mask(&text.replace(&self.address, "ADDRESS"))
    }
}

impl Ran {
    pub(crate) fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
    }

    /// The output of a run that must have gone well.
    pub(crate) fn ok(self) -> Vec<u8> {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }

    /// The text of such an output.
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.ok()).unwrap()
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').filter(|word| !word.is_empty()).map(|word| if word == "''" { "" } else { word })
}

/// Versions are long numbers; what a TTL has left, and how long something took, is never quite the
/// same.
fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let length = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(length);
        masked.push_str(before);
        masked.push_str(if number.len() >= 13 { "VERSION" } else { number });
        rest = after;
    }
    masked + rest
}

/// Two digits per byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

//! A client's connection: commands out, replies in, one after the other.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use kv_resp::{Encoder, ReplyDecoder, ReplyLimits, Value, Version};

use super::step::{Args, args, is};

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;

/// What is asked behind every pipeline: the answer tells that all others have come.
const LAST_WORDS: &[u8] = b"the end of this pipeline";

/// Either kind of socket.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection, until one side closes it.
pub(super) struct Connection {
    stream: Stream,
    replies: ReplyDecoder,
    input: Vec<u8>,
    /// What was sent last.
    sent: Vec<u8>,
}

/// What came back.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answers {
    pub(super) values: Vec<Value>,
    /// Whether the server has closed the connection.
    pub(super) is_closed: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            replies: ReplyDecoder::new(ReplyLimits::default()),
            input: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Sends one command and waits for its answer.
    pub(super) fn ask(&mut self, command: &Args) -> Value {
        self.send(&encoded(std::slice::from_ref(command)));
        self.reply().expect("an answer")
    }

    /// Sends all commands at once and collects what comes back for them.
    pub(super) fn exchange(&mut self, commands: &[Args]) -> Answers {
        let ends = commands.last().is_some_and(|command| is(command.first(), "QUIT"));
        let mut bytes = encoded(commands);
        if !ends {
            // Whatever the commands did to the connection, it answers again after these.
            let end = [args([b"CLIENT", b"REPLY", b"ON"]), args([b"ECHO", LAST_WORDS])];
            bytes.extend(encoded(&end));
        }
        self.send(&bytes);
        let mut answers = Answers::default();
        loop {
            match self.reply() {
                Some(Value::Bulk(text)) if text == LAST_WORDS => break,
                Some(value) => answers.values.push(value),
                None => {
                    answers.is_closed = true;
                    return answers;
                }
            }
        }
        // Where it is missing, a mismatch shows what there is instead.
        if answers.values.last() == Some(&Value::Simple(b"OK".to_vec())) {
            answers.values.pop();
        }
        answers
    }

    /// Sends any bytes, then nothing more, and collects all that comes back.
    pub(super) fn send_raw(mut self, bytes: &[u8]) -> Answers {
        self.send(bytes);
        // It may have closed already.
        drop(match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        });
        let mut answers = Answers { is_closed: true, ..Answers::default() };
        while let Some(value) = self.reply() {
            answers.values.push(value);
        }
        answers
    }

    /// A server that has closed the connection takes nothing, and says so when it is read.
    fn send(&mut self, bytes: &[u8]) {
        bytes.clone_into(&mut self.sent);
        let sent = match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        };
        if let Err(error) = sent {
            let is_closed =
                matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
            assert!(is_closed, "the server takes commands: {error}");
        }
    }

    /// The next reply; none when the connection is closed.
    fn reply(&mut self) -> Option<Value> {
        loop {
            let (value, read) = self.replies.decode(&self.input).expect("replies are well formed");
            self.input.drain(..read);
            if value.is_some() {
                return value;
            }
            let mut bytes = vec![0; READ_BYTES];
            let read = match &mut self.stream {
                Stream::Tcp(stream) => stream.read(&mut bytes),
                Stream::Unix(stream) => stream.read(&mut bytes),
            };
            match read {
                Ok(0) => return None,
                Ok(count) => self.input.extend(bytes.drain(..count)),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => unreachable!("no answer to {}: {error}", self.sent.escape_ascii()),
            }
        }
    }
}

/// The commands as a client sends them.
pub(super) fn encoded(commands: &[Args]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, Version::Resp2);
    for command in commands {
        encoder.array(command.len());
        for arg in command {
            encoder.bulk(arg);
        }
    }
    bytes
}

//! The Redis protocol, version 2: the commands of a turn in one write, to a kv-server or any other.

use bytes::{Buf, BytesMut};
use kv_resp::{Encoder, ReplyDecoder, ReplyLimits, Value, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;

use super::{Broken, Told};
use crate::bench::keys;
use crate::bench::load::{Kind, Operation, Payload};
use crate::bench::tally::Answer;

/// Room for answers that arrive together.
const READ_BYTES: usize = 64 << 10;

/// A connection.
pub(in crate::bench) struct Resp {
    stream: TcpStream,
    payload: Payload,
    ttl_ms: Option<String>,
    output: Vec<u8>,
    replies: Replies,
}

/// The answers, as they arrive.
struct Replies {
    input: BytesMut,
    decoder: ReplyDecoder,
}

impl Resp {
    pub(super) async fn open(target: &str, payload: Payload) -> Result<Self, String> {
        let stream = super::connect(target).await?;
        let replies = Replies {
            input: BytesMut::with_capacity(READ_BYTES),
            decoder: ReplyDecoder::new(ReplyLimits::default()),
        };
        let ttl_ms = payload.ttl_ms().map(|ttl| ttl.to_string());
        let mut driver = Self { stream, payload, ttl_ms, output: Vec::new(), replies };
        driver.ping().await?;
        Ok(driver)
    }

    /// Not every listener speaks this protocol, and not every server lets everybody in.
    async fn ping(&mut self) -> Result<(), String> {
        let what = |error: Broken| format!("PING was not answered: {error}");
        command(&mut self.output, &[b"PING"]);
        self.stream.write_all(&self.output).await.map_err(|error| what(error.into()))?;
        let (mut reader, _) = self.stream.split();
        match self.replies.next(&mut reader).await.map_err(what)? {
            Value::Simple(text) if text == b"PONG" => Ok(()),
            Value::Error(text) => Err(format!("PING was answered: {}", text.escape_ascii())),
            other => Err(format!("PING was answered with {other:?}")),
        }
    }

    pub(super) async fn turn(
        &mut self,
        operations: &[Operation],
        told: &mut impl Told,
    ) -> Result<(), Broken> {
        self.output.clear();
        for operation in operations {
            self.encode(*operation);
        }
        // At once: a server that waits for its answers to be read may not read on.
        let (mut reader, mut writer) = self.stream.split();
        let writing = async { Ok::<_, Broken>(writer.write_all(&self.output).await?) };
        let reading = async {
            for (place, operation) in operations.iter().enumerate() {
                let reply = self.replies.next(&mut reader).await?;
                told(place, answer(operation.kind, &reply));
            }
            Ok(())
        };
        tokio::try_join!(writing, reading).map(|_| ())
    }

    fn encode(&mut self, operation: Operation) {
        let key = keys::name(operation.key);
        let output = &mut self.output;
        match (operation.kind, &self.ttl_ms) {
            (Kind::Read, _) => command(output, &[b"GET", &key]),
            (Kind::Delete, _) => command(output, &[b"DEL", &key]),
            (Kind::Write, None) => command(output, &[b"SET", &key, &self.payload.value]),
            (Kind::Write, Some(ttl)) => {
                command(output, &[b"SET", &key, &self.payload.value, b"PX", ttl.as_bytes()]);
            }
        }
    }
}

impl Replies {
    async fn next(&mut self, reader: &mut ReadHalf<'_>) -> Result<Value, Broken> {
        loop {
            let decoded = self.decoder.decode(&self.input);
            let (value, read) = decoded.map_err(|_no_reply| Broken::new("not a RESP reply"))?;
            self.input.advance(read);
            if let Some(value) = value {
                return Ok(value);
            }
            self.input.reserve(READ_BYTES);
            if reader.read_buf(&mut self.input).await? == 0 {
                return Err(Broken::new("connection: closed by the server"));
            }
        }
    }
}

fn command(output: &mut Vec<u8>, words: &[&[u8]]) {
    let mut encoder = Encoder::new(output, Version::Resp2);
    encoder.array(words.len());
    for word in words {
        encoder.bulk(word);
    }
}

fn answer(kind: Kind, reply: &Value) -> Answer {
    match (kind, reply) {
        (_, Value::Error(text)) => Answer::Failed(code(text).into()),
        (Kind::Read, Value::Bulk(_)) | (Kind::Delete, Value::Integer(_)) => Answer::Done,
        (Kind::Read, Value::NullBulk | Value::Null) => Answer::Missed,
        (Kind::Write, Value::Simple(text)) if text == b"OK" => Answer::Done,
        _ => Answer::Failed("unexpected reply".into()),
    }
}

/// The first word of an error says what kind it is.
fn code(text: &[u8]) -> String {
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    word.get(..word.len().min(32)).unwrap_or_default().escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_an_answer_only_to_what_it_can_answer() {
        let check =
            |kind, reply: Value, expected: Answer| assert_eq!(answer(kind, &reply), expected);
        let ok = || Value::Simple(b"OK".to_vec());
        let unexpected = || Answer::Failed("unexpected reply".into());
        check(Kind::Read, Value::Bulk(Vec::new()), Answer::Done);
        check(Kind::Read, Value::NullBulk, Answer::Missed);
        check(Kind::Read, ok(), unexpected());
        check(Kind::Write, ok(), Answer::Done);
        check(Kind::Write, Value::NullBulk, unexpected());
        check(Kind::Delete, Value::Integer(0), Answer::Done);
        let error = |text: &[u8]| Value::Error(text.to_vec());
        check(Kind::Write, error(b"OOM command not allowed"), Answer::Failed("OOM".into()));
        check(Kind::Read, error(b""), Answer::Failed("".into()));
    }
}

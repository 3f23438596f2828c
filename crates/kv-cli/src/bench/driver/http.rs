//! HTTP/1.1: one request at a time on a connection that is kept.

use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::{Broken, Told};
use crate::bench::keys;
use crate::bench::load::{Kind, Operation, Payload};
use crate::bench::tally::Answer;

type Body = Full<bytes::Bytes>;

/// A connection.
pub(in crate::bench) struct Http {
    sender: SendRequest<Body>,
    host: String,
    payload: Payload,
    /// What follows the path of a write.
    query: String,
}

impl Http {
    /// Must be called within a `LocalSet`.
    pub(super) async fn open(target: &str, payload: Payload) -> Result<Self, String> {
        let stream = super::connect(target).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| error.to_string())?;
        // It ends with the sender; what went wrong is told there too.
        drop(tokio::task::spawn_local(connection));
        let query = payload.ttl_ms().map(|ttl| format!("?ttl_ms={ttl}")).unwrap_or_default();
        let mut driver = Self { sender, host: target.to_owned(), payload, query };
        driver.probe().await?;
        Ok(driver)
    }

    /// Not every listener speaks HTTP.
    async fn probe(&mut self) -> Result<(), String> {
        let what = |error: Broken| format!("GET was not answered: {error}");
        let read = Operation { kind: Kind::Read, key: 0 };
        match self.one(read).await.map_err(what)? {
            Answer::Failed(error) => Err(format!("GET was answered with {error}")),
            Answer::Done | Answer::Missed => Ok(()),
        }
    }

    pub(super) async fn turn(
        &mut self,
        operations: &[Operation],
        told: &mut impl Told,
    ) -> Result<(), Broken> {
        for (place, operation) in operations.iter().enumerate() {
            let answer = self.one(*operation).await?;
            told(place, answer);
        }
        Ok(())
    }

    async fn one(&mut self, operation: Operation) -> Result<Answer, Broken> {
        let request = self.request(operation)?;
        self.sender.ready().await.map_err(|error| broken(&error))?;
        let response = self.sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.map_err(|error| broken(&error))?;
        }
        Ok(answer(operation.kind, status))
    }

    fn request(&self, operation: Operation) -> Result<Request<Body>, Broken> {
        let name = keys::name(operation.key);
        let name = std::str::from_utf8(&name).unwrap_or_default();
        let (method, query, body) = match operation.kind {
            Kind::Read => (Method::GET, "", Body::default()),
            Kind::Write => {
                (Method::PUT, self.query.as_str(), Body::new(self.payload.value.clone()))
            }
            Kind::Delete => (Method::DELETE, "", Body::default()),
        };
        let request = Request::builder()
            .method(method)
            .uri(["/v1/kv/", name, query].concat())
            .header(HOST, &self.host)
            .body(body);
        request.map_err(|error| Broken::new(error.to_string()))
    }
}

fn answer(kind: Kind, status: StatusCode) -> Answer {
    match (kind, status) {
        (Kind::Read, StatusCode::NOT_FOUND) => Answer::Missed,
        // Nothing was there to be deleted: as good as done.
        (Kind::Delete, StatusCode::NOT_FOUND) => Answer::Done,
        (_, status) if status.is_success() => Answer::Done,
        (_, status) => Answer::Failed(format!("HTTP {}", status.as_u16()).into()),
    }
}

fn broken(error: &hyper::Error) -> Broken {
    let kind = match error {
        error if error.is_parse() => "not an HTTP response",
        error if error.is_closed() || error.is_canceled() || error.is_incomplete_message() => {
            "connection: closed by the server"
        }
        _ => "connection: broken",
    };
    Broken::new(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_an_answer() {
        let check = |kind, status: u16, expected: Answer| {
            assert_eq!(answer(kind, StatusCode::from_u16(status).unwrap()), expected);
        };
        check(Kind::Read, 200, Answer::Done);
        check(Kind::Read, 404, Answer::Missed);
        check(Kind::Write, 201, Answer::Done);
        check(Kind::Write, 204, Answer::Done);
        check(Kind::Write, 404, Answer::Failed("HTTP 404".into()));
        check(Kind::Delete, 404, Answer::Done);
        check(Kind::Read, 429, Answer::Failed("HTTP 429".into()));
    }
}

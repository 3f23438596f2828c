//! From a request to its answer: what is the same for all of them, and who answers which.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::activity::Activity;
use super::api::Api;
use super::body::Upload;
use super::content::Content;
use super::key::{self, Asked};
use super::problem::{Problem, Reason};
use super::route::Route;
use super::{batch, list, openapi};
use crate::budget::Account;
use crate::clock::Stopwatch;
use crate::contract::Refusal;
use crate::metrics::{Operation, Protocol};
use crate::slow::{Caller, Following, Named};

/// Whom a connection serves.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// The bytes that are in flight on the connection.
    pub(super) account: Arc<Account>,
    /// What happens on the connection.
    pub(super) activity: Activity,
    /// Whose connection it is.
    pub(super) caller: Arc<Caller>,
}

/// Answers one request. What stands in the way is an answer too.
pub(super) async fn answer(
    api: &Api,
    request: Request<Incoming>,
    client: &Client,
) -> Response<Content> {
    let started = Stopwatch::start();
    let (parts, incoming) = request.into_parts();
    let timeout = api.gate.request_timeout();
    let mut body = Upload::new(incoming, client.account.hold(), timeout, client.activity.clone());
    let mut operation = Operation::Other;
    let mut following = Following::begin(&client.caller, started);
    let answered = following.through(handle(api, &parts, &mut body, &mut operation)).await;
    let metrics = api.gate.metrics();
    let took = started.elapsed();
    metrics.record(Protocol::Http, operation, took, 1);
    let named = Named::Http(parts.method.clone(), parts.uri.clone());
    let following = following.answered(named, operation, (started, took));
    let answered = answered.and_then(|response| hold(response, client, &parts.method));
    let mut response = answered.unwrap_or_else(|problem| {
        if let Some(kind) = problem.reason().kind() {
            metrics.error(Protocol::Http, kind);
        }
        problem.into_response()
    });
    // Who waits to be told to send a body is not told to when nobody wants it.
    if !body.has_ended() && !parts.headers.contains_key(header::EXPECT) {
        Box::pin(body.skip()).await;
    }
    api.cors.write(parts.headers.get(header::ORIGIN), response.headers_mut());
    if parts.method == Method::HEAD {
        response = without_content(response);
    }
    response.body_mut().follow(following);
    response
}

/// Holds the content of an answer until the client has taken it.
fn hold(
    mut response: Response<Content>,
    client: &Client,
    method: &Method,
) -> Result<Response<Content>, Problem> {
    let held = response.body_mut().hold(&client.account);
    let executed = !matches!(*method, Method::GET | Method::HEAD);
    held.map_err(|overload| Refusal::Overloaded { overload, executed })?;
    Ok(response)
}

/// Answers, and says what was asked for as soon as that is known.
async fn handle(
    api: &Api,
    parts: &Parts,
    body: &mut Upload,
    operation: &mut Operation,
) -> Result<Response<Content>, Problem> {
    check_host(parts)?;
    check_expectation(&parts.headers)?;
    let route = Route::parse(parts.uri.path())?;
    *operation = operation_of(&route, &parts.method);
    if parts.method == Method::OPTIONS {
        return Ok(api.cors.preflight(parts, route.allow()));
    }
    api.cors.check(parts)?;
    if route != Route::OpenApi {
        api.gate.open()?;
    }
    // The futures of what is rare or large are boxed, so that a connection's memory is that of a GET.
    match (&route, &parts.method) {
        (Route::Key(key), method) => {
            let asked = Asked { key, parts };
            match *method {
                Method::GET => key::get(api, asked, false).await,
                Method::HEAD => key::get(api, asked, true).await,
                Method::PUT => Box::pin(key::put(api, asked, body)).await,
                Method::DELETE => Box::pin(key::delete(api, asked)).await,
                Method::POST => Box::pin(key::post(api, asked, body, operation)).await,
                _ => Err(Problem::method(method.as_str(), route.allow())),
            }
        }
        (Route::Keys, &Method::GET | &Method::HEAD) => Box::pin(list::get(api, parts)).await,
        (Route::Batch, &Method::POST) => Box::pin(batch::post(api, parts, body)).await,
        (Route::OpenApi, &Method::GET | &Method::HEAD) => Ok(openapi::get()),
        (_, method) => Err(Problem::method(method.as_str(), route.allow())),
    }
}

/// What a request asks for, as it is counted. What a POST to a key does stands in its query.
fn operation_of(route: &Route<'_>, method: &Method) -> Operation {
    match (route, method) {
        (Route::Key(_), &Method::GET) => Operation::Get,
        (Route::Key(_), &Method::HEAD) => Operation::Exists,
        (Route::Key(_), &Method::PUT) => Operation::Set,
        (Route::Key(_), &Method::DELETE) => Operation::Delete,
        (Route::Keys, &Method::GET | &Method::HEAD) => Operation::Scan,
        (Route::Batch, &Method::POST) => Operation::BatchWrite,
        _ => Operation::Other,
    }
}

/// RFC 9112, section 3.2: without exactly one `Host`, whoever stands in between may understand the request
/// differently.
fn check_host(parts: &Parts) -> Result<(), Problem> {
    if parts.version != Version::HTTP_11 {
        return Ok(());
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(()),
        _ => Err(Problem::new(Reason::BadHeader, "there must be exactly one Host header")),
    }
}

/// `100-continue` is met by hyper when the body is first asked for.
fn check_expectation(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::EXPECT) {
        Some(expected) if !expected.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            let text = "Expect can be nothing but 100-continue";
            Err(Problem::new(Reason::ExpectationFailed, text))
        }
        _ => Ok(()),
    }
}

/// The answer to HEAD: the same, without the content whose length it tells.
fn without_content(mut response: Response<Content>) -> Response<Content> {
    let length = response.body().len();
    let has_length =
        !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            && !response.headers().contains_key(header::CONTENT_LENGTH);
    if has_length {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Content::default();
    response
}

/// An answer with content that is part of the program.
pub(super) fn constant(content_type: &'static str, content: &'static str) -> Response<Content> {
    let mut response = Response::new(Content::new(bytes::Bytes::from_static(content.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

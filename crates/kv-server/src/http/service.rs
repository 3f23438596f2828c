//! From a request to its answer: what is the same for all of them, and who answers which.

use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::answer::{self, Body};
use super::api::Api;
use super::body::Upload;
use super::connection::Client;
use super::kept::{self, Kept};
use super::key::{self, Asked};
use super::problem::{Problem, Reason};
use super::route::Route;
use super::{batch, list, openapi};
use crate::clock::Stopwatch;
use crate::metrics::{Operation, Protocol};

/// Answers one request. What stands in the way is an answer too.
pub(super) async fn answer(
    api: &Api,
    request: Request<Incoming>,
    client: &Client,
) -> Response<Kept> {
    let started = Stopwatch::start();
    let (parts, incoming) = request.into_parts();
    let held = client.account.hold();
    let unread = client.unread.clone();
    let mut body = Upload::new(incoming, unread, &held, api.gate.request_timeout());
    let mut operation = Operation::Other;
    let answered = handle(api, &parts, &mut body, &mut operation).await;
    api.gate.metrics().record(Protocol::Http, operation, started.elapsed(), 1);
    let response = answered.unwrap_or_else(|problem| refuse(api, problem));
    // Who waits to be told to send a body is not told to when nobody wants it.
    if !body.is_empty() && !parts.headers.contains_key(header::EXPECT) {
        Box::pin(body.skip()).await;
    }
    drop(body);
    let response = kept::keep(finish(api, &parts, response), held);
    response.unwrap_or_else(|overload| {
        let problem = Problem::answer_overload(overload, parts.method.is_safe());
        let refusal = finish(api, &parts, refuse(api, problem));
        // A problem is short, and so there is room for it.
        kept::uncounted(refusal)
    })
}

/// A problem as an answer, counted.
fn refuse(api: &Api, problem: Problem) -> Response<Body> {
    if let Some(kind) = problem.reason().kind() {
        api.gate.metrics().error(Protocol::Http, kind);
    }
    problem.into_response()
}

/// What is the same for every answer.
fn finish(api: &Api, parts: &Parts, mut response: Response<Body>) -> Response<Body> {
    api.cors.write(parts.headers.get(header::ORIGIN), response.headers_mut());
    if parts.method == Method::HEAD { without_content(response) } else { response }
}

/// Answers, and says what was asked for as soon as that is known.
async fn handle(
    api: &Api,
    parts: &Parts,
    body: &mut Upload<'_>,
    operation: &mut Operation,
) -> Result<Response<Body>, Problem> {
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
fn without_content(mut response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact();
    let has_length =
        !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            && !response.headers().contains_key(header::CONTENT_LENGTH);
    if let Some(length) = length.filter(|_| has_length) {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::default();
    response
}

/// An answer with content that is part of the program.
pub(super) fn constant(content_type: &'static str, content: &'static str) -> Response<Body> {
    let mut response = Response::new(answer::whole(bytes::Bytes::from_static(content.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

//! All gRPC services of one server, and the way from a request's path to one of them.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use kv_proto::v1::admin_server::AdminServer;
use kv_proto::v1::kv_server::KvServer;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use tonic_health::pb::FILE_DESCRIPTOR_SET as HEALTH_DESCRIPTORS;
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::{Builder, Error};

use super::admin_service::AdminService;
use super::health::HealthService;
use super::inbound::Inbound;
use super::kv_service::KvService;
use super::measured::{Measured, Measuring};
use super::outbound::Outbound;
use crate::budget::Account;
use crate::config::Config;
use crate::contract::{Refusal, Shared};
use crate::gate::Gate;
use crate::metrics::{Metrics, Protocol};
use crate::readiness::Loading;
use crate::shutdown::Drain;
use crate::slow::Caller;

/// The services of one server. Cheap to clone: each connection has one.
#[derive(Clone)]
pub(crate) struct Services {
    /// By name, the one that counts first.
    routes: Arc<[(&'static str, Route)]>,
    gate: Arc<Gate>,
    /// Most operations or keys in one message.
    batch_ops_max: usize,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|(name, _)| name)).finish()
    }
}

/// Where a request goes.
type Route = Box<dyn Fn(Request<Inbound>) -> Answer + Send + Sync>;

/// What comes back. Errors are answers too.
type Answer = BoxFuture<Response<Body>, Infallible>;

impl Services {
    /// Serves the store, once it is loaded, until the server drains.
    pub(crate) fn new(gate: &Arc<Gate>, config: &Config, drain: &Drain) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(Arc::clone(gate), config, Protocol::Grpc));
        let (bytes_max, batch_ops_max) = (shared.message_bytes_max, shared.batch_ops_max);
        let kv = KvServer::new(KvService::new(Arc::clone(&shared), drain.clone()))
            .max_decoding_message_size(bytes_max)
            .max_encoding_message_size(bytes_max);
        let admin = AdminServer::new(AdminService::new(shared));
        let health = HealthServer::new(HealthService::new(gate.serving().clone()));
        let routes = [
            once_open(Arc::clone(gate), route(kv)),
            once_open(Arc::clone(gate), route(admin)),
            route(health),
            route(descriptors().build_v1()?),
            route(descriptors().build_v1alpha()?),
        ];
        Ok(Self { routes: Arc::new(routes), gate: Arc::clone(gate), batch_ops_max })
    }
}

impl Services {
    /// The counters of the server.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        self.gate.metrics()
    }

    /// The calls of a new connection, from there.
    pub(crate) fn calls(&self, addr: SocketAddr) -> Calls {
        let caller = Caller::new(&self.gate, Protocol::Grpc, addr);
        Calls { services: self.clone(), caller, account: self.gate.budget().account() }
    }

    fn answer(&self, request: Request<Inbound>) -> Answer {
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        if let Some((_, route)) = self.routes.iter().find(|(name, _)| *name == service) {
            return route(request);
        }
        refuse(Status::unimplemented(format!(
            "service {service:?} is not served here: ask the server reflection for those that are"
        )))
    }
}

/// The calls of one connection.
pub(crate) struct Calls {
    services: Services,
    caller: Arc<Caller>,
    account: Arc<Account>,
}

impl Calls {
    /// What they hold.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Outbound>;
    type Error = Infallible;
    type Future = Measured;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Services { gate, .. } = &self.services;
        let measuring = Measuring::start(request.uri(), &self.caller);
        let held = Arc::new(self.account.hold());
        let (timeout, messages) = (gate.request_timeout(), measuring.messages());
        let counted = (messages, measuring.counter(self.services.batch_ops_max));
        let mut request =
            request.map(|incoming| Inbound::new(incoming, Arc::clone(&held), timeout, counted));
        if measuring.is_in_parts() {
            request.extensions_mut().insert(Arc::clone(&self.caller));
        }
        measuring.until(self.services.answer(request), held)
    }
}

fn refuse(status: Status) -> Answer {
    Box::pin(std::future::ready(Ok(status.into_http())))
}

/// The route, closed while the server loads.
fn once_open(gate: Arc<Gate>, (name, route): (&'static str, Route)) -> (&'static str, Route) {
    let route = move |request| match gate.open() {
        Ok(()) => route(request),
        Err(Loading { percent, text }) => refuse(Refusal::Loading { percent, text }.into()),
    };
    (name, Box::new(route))
}

fn route<S>(service: S) -> (&'static str, Route)
where
    S: NamedService
        + Service<Request<Inbound>, Response = Response<Body>, Error = Infallible, Future = Answer>
        + Clone
        + Send
        + Sync
        + 'static,
{
    (S::NAME, Box::new(move |request| service.clone().call(request)))
}

fn descriptors() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(kv_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(HEALTH_DESCRIPTORS)
}

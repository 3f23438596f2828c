//! Server reflection lists the services and describes them, in both versions of the protocol.

use kv_server::testing::TestServer;
use tonic_reflection::pb::{v1, v1alpha};

use crate::support::{channel, within};

const SERVICES: [&str; 3] = ["kv.v1.Kv", "kv.v1.Admin", "grpc.health.v1.Health"];

/// The same protocol twice, with types of different names.
macro_rules! check {
    ($version:ident) => {{
        use $version::server_reflection_client::ServerReflectionClient;
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let server = TestServer::start();
        let mut client = ServerReflectionClient::new(channel(&server.addr()).await);
        let ask = |message| $version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message),
        };
        let symbol = "kv.v1.Kv.Increment".to_owned();
        let requests = [
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol(symbol)),
        ];
        let answers = client.server_reflection_info(tokio_stream::iter(requests)).await.unwrap();
        let mut answers = answers.into_inner();
        let listed = within(answers.message()).await.unwrap().unwrap().message_response.unwrap();
        let MessageResponse::ListServicesResponse(listed) = listed else { panic!("{listed:?}") };
        let names: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
        for service in SERVICES {
            assert!(names.iter().any(|name| name == service), "{service} is not in {names:?}");
        }
        let file = within(answers.message()).await.unwrap().unwrap().message_response.unwrap();
        let MessageResponse::FileDescriptorResponse(file) = file else { panic!("{file:?}") };
        assert!(!file.file_descriptor_proto.is_empty());
    }};
}

#[tokio::test]
async fn version_1_describes_the_services() {
    check!(v1);
}

#[tokio::test]
async fn version_1alpha_describes_the_services() {
    check!(v1alpha);
}

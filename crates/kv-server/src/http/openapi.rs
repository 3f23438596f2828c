//! `/openapi.json`: the description of this API, which tests compare with what is answered.

use hyper::Response;

use super::content::Content;
use super::service::constant;

/// The document.
const DOCUMENT: &str = include_str!("openapi.json");

/// Answers with the document.
pub(super) fn get() -> Response<Content> {
    constant("application/json", DOCUMENT)
}

#[cfg(test)]
mod tests {
    use kv_proto::v1::ErrorReason;
    use serde_json::Value;

    use super::*;
    use crate::http::problem::Reason;

    /// Reasons of the contract that no request of this API is refused for.
    const ELSEWHERE: [ErrorReason; 4] = [
        ErrorReason::Unspecified,
        ErrorReason::PersistenceOff,
        ErrorReason::SnapshotRunning,
        ErrorReason::SnapshotFailed,
    ];

    #[test]
    fn every_reason_is_listed_with_its_status_and_title() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let contract = (0..).map_while(|number| ErrorReason::try_from(number).ok());
        let contract = contract.filter(|reason| !ELSEWHERE.contains(reason)).map(Reason::Contract);
        let reasons: Vec<Reason> = contract.chain(Reason::OWN).collect();
        for reason in &reasons {
            let listed = &document["x-problems"][reason.name()];
            assert_eq!(listed["status"], reason.status().as_u16(), "{}", reason.name());
            assert_eq!(listed["title"], reason.title(), "{}", reason.name());
        }
        // Said by the listener, before there is a request.
        assert_eq!(document["x-problems"]["CONNECTIONS_FULL"]["status"], 503);
        let listed = document["x-problems"].as_object().map(serde_json::Map::len);
        assert_eq!(listed, Some(reasons.len() + 1));
    }
}

//! Paths: which resource a request is about, and what can be done with it.

use std::borrow::Cow;

use super::percent::decode_path;
use super::problem::{Problem, Reason};
use crate::contract::Refusal;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/v1/kv/{key}`: one key.
    Key(Cow<'a, [u8]>),
    /// `/v1/kv`: all keys.
    Keys,
    /// `/v1/kv:batch`: many operations.
    Batch,
    /// `/openapi.json`: the description of all this.
    OpenApi,
}

impl<'a> Route<'a> {
    /// Reads a path. Whatever follows `/v1/kv/` is the key, percent-encoded; a `/` in it may stand for itself,
    /// and no segment has a special meaning.
    pub(super) fn parse(path: &'a str) -> Result<Self, Problem> {
        if let Some(key) = path.strip_prefix("/v1/kv/") {
            return match decode_path(key)? {
                key if key.is_empty() => Err(Refusal::KeyEmpty.into()),
                key => Ok(Self::Key(key)),
            };
        }
        match path {
            "/v1/kv" => Ok(Self::Keys),
            "/v1/kv:batch" => Ok(Self::Batch),
            "/openapi.json" => Ok(Self::OpenApi),
            _ => Err(Problem::new(
                Reason::PathNotFound,
                "there are /v1/kv/{key}, /v1/kv, /v1/kv:batch and /openapi.json, which describes them",
            )),
        }
    }

    /// The methods there are, as `Allow` has them.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Key(_) => "GET, HEAD, PUT, DELETE, POST, OPTIONS",
            Self::Keys | Self::OpenApi => "GET, HEAD, OPTIONS",
            Self::Batch => "POST, OPTIONS",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_name_resources() {
        for (path, key) in [
            ("/v1/kv/a", &b"a"[..]),
            ("/v1/kv/a/b", b"a/b"),
            ("/v1/kv/a%2Fb", b"a/b"),
            ("/v1/kv//", b"/"),
            ("/v1/kv/a/", b"a/"),
            ("/v1/kv/../x", b"../x"),
            ("/v1/kv/.", b"."),
            ("/v1/kv/a:batch", b"a:batch"),
            ("/v1/kv/a+b", b"a+b"),
            ("/v1/kv/%00", b"\0"),
        ] {
            assert_eq!(Route::parse(path).unwrap(), Route::Key(Cow::Borrowed(key)), "{path}");
        }
        assert_eq!(Route::parse("/v1/kv").unwrap(), Route::Keys);
        assert_eq!(Route::parse("/v1/kv:batch").unwrap(), Route::Batch);
        assert_eq!(Route::parse("/openapi.json").unwrap(), Route::OpenApi);
    }

    #[test]
    fn the_rest_is_not_found_or_malformed() {
        use kv_proto::v1::ErrorReason::KeyEmpty;
        for (path, reason) in [
            ("/v1/kv/", Reason::Contract(KeyEmpty)),
            ("/v1/kv/%f", Reason::BadPath),
            ("", Reason::PathNotFound),
            ("*", Reason::PathNotFound),
            ("/", Reason::PathNotFound),
            ("/v1", Reason::PathNotFound),
            ("/v1/kv:", Reason::PathNotFound),
            ("/v1/kv:batch/", Reason::PathNotFound),
            ("/V1/kv/a", Reason::PathNotFound),
            ("//v1/kv/a", Reason::PathNotFound),
            ("/v2/kv/a", Reason::PathNotFound),
        ] {
            assert_eq!(Route::parse(path).unwrap_err().reason(), reason, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_key_has_a_path(key in proptest::collection::vec(any::<u8>(), 1..64)) {
            let encoded = key.iter().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>();
            let path = format!("/v1/kv/{}", encoded.concat());
            prop_assert_eq!(Route::parse(&path).unwrap(), Route::Key(Cow::Owned(key)));
        }
    }
}

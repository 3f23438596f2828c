//! Why a verb failed, in one line for people and as an exit code for scripts.

use std::io;

use kv_client::{Error, ErrorKind, Reason};

use crate::exit::Exit;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A key was not found, or a condition does not hold.
    #[error("{0}")]
    NotFound(String),
    /// An argument, or a file it names, is wrong.
    #[error("{0}")]
    Usage(String),
    /// The server cannot be reached or refused the request.
    #[error("{0}{hint}", hint = hint(.0))]
    Client(#[from] Error),
    /// The server refused some of what was asked.
    #[error("{0}")]
    Refused(String),
    /// The connection broke half way.
    #[error("{0}")]
    Broken(String),
    /// What the verb found out could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The exit code that stands for this failure.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NotFound(_) => Exit::NotFound,
            Self::Client(error) => match error.kind() {
                ErrorKind::ConditionFailed => Exit::NotFound,
                // It was the server that said so.
                _ if error.reason() == Some(&Reason::OutcomeUnknown) => Exit::Refused,
                ErrorKind::Unreachable | ErrorKind::Unknown => Exit::Unreachable,
                _ if matches!(error, Error::Config(_)) => Exit::Usage,
                _ => Exit::Refused,
            },
            Self::Usage(_) | Self::Output(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Broken(_) => Exit::Unreachable,
        }
    }

    /// Whether the reader of our output has gone, which `head` does and nobody needs to be told.
    pub(crate) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What helps.
fn hint(error: &Error) -> &'static str {
    match error.kind() {
        _ if error.reason() == Some(&Reason::OutcomeUnknown) => "",
        ErrorKind::Unreachable => {
            "; is kv-server running there? (--addr or KV_ADDR names another address)"
        }
        ErrorKind::Unknown => "; read the key to see whether it was",
        ErrorKind::Retry => "; try again later",
        _ => "",
    }
}

/// A file that could not be read or written.
pub(crate) fn file(doing: &str, path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot {doing} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kv_client::Client;

    fn check(failure: impl Into<Failure>, exit: Exit, message: &str) {
        let failure = failure.into();
        assert_eq!((failure.exit(), failure.to_string().as_str()), (exit, message));
    }

    #[test]
    fn every_failure_has_its_exit_code_and_says_what_helps() {
        check(
            Error::Unreachable {
                address: "http://a:1".to_owned(),
                message: "Connection refused".to_owned(),
                source: None,
            },
            Exit::Unreachable,
            "cannot reach kv-server at http://a:1: Connection refused; is kv-server running there? \
             (--addr or KV_ADDR names another address)",
        );
        check(
            Error::ConditionFailed { current: None, previous: None },
            Exit::NotFound,
            "the condition does not hold: the key does not exist",
        );
        let message = "key is empty: 1 to 65536 bytes are allowed";
        check(
            Error::BadRequest { reason: Reason::KeyEmpty, message: message.to_owned() },
            Exit::Refused,
            message,
        );
        check(
            Error::Busy { reason: Reason::OutOfMemory, message: "out of memory".to_owned() },
            Exit::Refused,
            "out of memory; try again later",
        );
        let message = "the outcome is unknown: EIO";
        check(Error::DurabilityUnknown { message: message.to_owned() }, Exit::Refused, message);
        check(
            Error::Busy { reason: Reason::Loading, message: "loading: 42 %".to_owned() },
            Exit::Refused,
            "loading: 42 %; try again later",
        );
        let wrong = Client::builder().address("ftp://a").connect_lazy().unwrap_err();
        check(
            Error::from(wrong),
            Exit::Usage,
            "bad address \"ftp://a\": the scheme must be http; an address is like \
             http://127.0.0.1:7380",
        );
        check(Failure::Broken("x".to_owned()), Exit::Unreachable, "x");
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(closed.is_closed_output());
    }
}

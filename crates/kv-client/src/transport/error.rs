//! What can go wrong below gRPC.

use std::io;
use std::sync::Arc;

use h2::Reason;

/// Why no answer came. The source says what the network or HTTP/2 made of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// No connection could be opened.
    #[error("no connection")]
    NotConnected(#[source] Arc<io::Error>),
    /// The request was not sent, or the server said that it has not looked at it and will not.
    #[error("the request was not processed")]
    NotProcessed(#[source] h2::Error),
    /// The connection broke, or the server ended the call without an answer.
    #[error("connection lost")]
    Lost(#[source] h2::Error),
}

impl TransportError {
    /// What became of a call whose answer does not even begin.
    pub(super) fn of_call(error: h2::Error) -> Self {
        // GOAWAY fails only the calls that the server has not begun with; RFC 9113, sections 6.8 and 8.7.
        let refused = error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM);
        if error.is_remote() && refused { Self::NotProcessed(error) } else { Self::Lost(error) }
    }
}

//! The log: lines for people or for programs, on standard error.

use std::io::{self, IsTerminal as _};

use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{LogFormat, LogSection};

/// Starts the log of this process. Panics are logged too, so that they reach whoever reads the log.
///
/// # Errors
/// When the filter is not one, or the process has a log already.
pub fn init(log: &LogSection) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(log.level.as_str())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match log.format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(TelemetryError::Started)?;
    std::panic::set_hook(Box::new(|panic| error!(%panic, "panic")));
    Ok(())
}

/// Why the log did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// `log.level` is not a filter.
    #[error("log.level cannot be used: {0}")]
    Filter(#[from] ParseError),
    /// There is a log already.
    #[error("the log cannot be started: {0}")]
    Started(Box<dyn std::error::Error + Send + Sync>),
}

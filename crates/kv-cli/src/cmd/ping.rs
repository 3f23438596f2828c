//! `ping`: asks whether the server takes requests.

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::run::Context;
use crate::screen::Output;
use crate::stopwatch::Stopwatch;

/// Ask whether the server takes requests
///
/// Exits with 3 when it does not answer, with 4 when it says that it does not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kv-cli ping --addr http://db.internal:7380")]
pub(crate) struct Ping {}

#[derive(Serialize)]
struct Answer {
    serving: bool,
    ms: f64,
}

impl Ping {
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        context.client.ping().await?;
        let ms = stopwatch.elapsed().as_secs_f64() * 1000.0;
        let screen = &mut context.screen;
        match screen.output {
            Output::Table => screen.line(format_args!("PONG in {ms:.1} ms"))?,
            Output::Raw => screen.line("PONG")?,
            Output::Json => screen.json(&Answer { serving: true, ms })?,
        }
        Ok(())
    }
}

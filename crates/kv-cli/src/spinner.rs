//! Shows a person at a terminal that something is under way, and since when.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often it moves.
const TICK: Duration = Duration::from_millis(100);

/// What it looks like.
const TEMPLATE: &str = "{spinner}  {msg}  {elapsed}";

/// A spinner on standard error, or nothing when that is no terminal. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// Says what is under way.
    pub(crate) fn start(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner().with_style(style()).with_message(what);
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// Says something else.
    pub(crate) fn say(&self, what: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    /// Removes it, so that what follows has the line to itself.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(TEMPLATE).expect("a test reads the template")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_template_can_be_read() {
        super::style();
    }
}

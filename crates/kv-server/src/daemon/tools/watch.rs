//! Shows on a terminal how far a tool has got, once it takes long.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use kv_persist::tools::ToolProgress;

/// How often.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// Goes back to the beginning of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// Runs a tool and shows how far it has got. What cannot be shown is no reason to stop.
pub(super) fn watch<T>(doing: &'static str, tool: impl FnOnce(&ToolProgress) -> T) -> T {
    let progress = Arc::new(ToolProgress::default());
    if !stderr().is_terminal() {
        return tool(&progress);
    }
    let (stop, stopped) = sync_channel::<()>(0);
    let watched = Arc::clone(&progress);
    let shown = thread::Builder::new().name("kv-progress".to_owned()).spawn(move || {
        let mut clear = "";
        while stopped.recv_timeout(SHOW_EVERY) == Err(RecvTimeoutError::Timeout) {
            clear = CLEAR_LINE;
            write!(stderr(), "{CLEAR_LINE}{doing}: {} %", watched.percent()).unwrap_or_default();
        }
        write!(stderr(), "{clear}").unwrap_or_default();
    });
    let done = tool(&progress);
    drop(stop);
    if let Ok(thread) = shown {
        thread.join().unwrap_or_default();
    }
    done
}

//! Commands that are given so much time and no more: what they ask for may be somewhere that does not answer.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

/// Runs a command to its end, without input, and takes what it prints; `None` when it takes longer than `limit`
/// and is killed.
pub(super) fn output_within(limit: Duration, command: &mut Command) -> io::Result<Option<Output>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let output = printed(&mut child);
    // It ends its output when it ends, or says nothing more that anybody would read.
    let Ok((stdout, stderr)) = output.recv_timeout(limit) else {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    };
    Ok(Some(Output { status: child.wait()?, stdout, stderr }))
}

/// All that a process prints, once it has ended.
fn printed(child: &mut Child) -> Receiver<(Vec<u8>, Vec<u8>)> {
    let (all, received) = sync_channel(1);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::spawn(move || {
        let stderr = thread::spawn(|| read(stderr));
        let stdout = read(stdout);
        // Nobody may be waiting any more.
        drop(all.send((stdout, stderr.join().unwrap_or_default())));
    });
    received
}

/// What can be read of a stream.
fn read(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was read before it broke is all there is to show.
        drop(stream.read_to_end(&mut bytes));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_in_time_is_told_and_what_does_not_is_killed() {
        let shell = |script: &str, limit| {
            output_within(limit, Command::new("sh").args(["-c", script])).unwrap()
        };
        let minute = Duration::from_mins(1);
        let output = shell("echo out; echo err >&2; exit 3", minute).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (output.stdout.as_slice(), output.stderr.as_slice()),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert!(shell("exec sleep 600", Duration::from_millis(20)).is_none());
    }
}

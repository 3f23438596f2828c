//! `SLOWLOG`: the latest commands that took long.
//!
//! What is timed is the execution of a turn of a connection: the commands that had arrived together. A turn of one
//! command is that command. Of a turn of several, the first is remembered and how many came behind it, with the time
//! of all: timing each would cost every command more than some take. Work on another thread is timed by itself.
//!
//! As in Redis, waiting is no part of it. [`crate::slow`] remembers the whole way of a request.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kv_resp::Batch;

use super::clients::{Label, Record};
use super::request::{Request, is};
use crate::clock;

/// Most arguments that are remembered of a command, as in Redis.
const ARGS_MAX: usize = 32;

/// Most bytes that are remembered of an argument, as in Redis.
const ARG_BYTES_MAX: usize = 128;

/// The latest commands that took long.
pub(crate) struct SlowLog {
    /// Most entries.
    len_max: AtomicUsize,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The newest first.
    list: VecDeque<Entry>,
    next_id: u64,
}

/// A command that took long.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    /// When it was over, in seconds since the Unix epoch.
    pub(crate) at_s: u64,
    pub(crate) took: Duration,
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) addr: SocketAddr,
    pub(crate) client_name: String,
}

impl fmt::Debug for SlowLog {
    /// Without the commands: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowLog").field("len_max", &self.len_max).finish_non_exhaustive()
    }
}

impl SlowLog {
    /// Remembers so many commands.
    pub(crate) fn new(len_max: usize) -> Self {
        Self { len_max: AtomicUsize::new(len_max), entries: Mutex::default() }
    }

    /// How many entries there may be; the oldest beyond are dropped.
    pub(crate) fn set_len_max(&self, len_max: usize) {
        self.len_max.store(len_max, Ordering::Relaxed);
        self.entries().list.truncate(len_max);
    }

    /// Remembers a turn, of which so many bytes were executed.
    #[cold]
    pub(super) fn add_turn(
        &self,
        batch: &Batch<'_>,
        consumed: usize,
        took: Duration,
        client: &Record,
    ) {
        let mut executed = batch.iter().take_while(|command| command.end() <= consumed);
        let Some(first) = executed.next() else { return };
        let mut args = remembered(Request::new(first));
        let others = executed.count();
        if others > 0 {
            args.push(format!("... ({others} more commands of the same turn)").into_bytes());
        }
        self.add(args, took, client);
    }

    /// Remembers a command as [`remembered`].
    #[cold]
    pub(super) fn add(&self, args: Vec<Vec<u8>>, took: Duration, client: &Record) {
        let client_name = client.label(Label::Name).map(String::from).unwrap_or_default();
        let (at_s, addr) = (clock::wall_time().as_secs(), client.peer.addr);
        let len_max = self.len_max.load(Ordering::Relaxed);
        let mut entries = self.entries();
        let id = entries.next_id;
        entries.next_id += 1;
        entries.list.push_front(Entry { id, at_s, took, args, addr, client_name });
        entries.list.truncate(len_max);
    }

    /// The newest entries, so many at most.
    pub(crate) fn newest(&self, count: usize) -> Vec<Entry> {
        self.entries().list.iter().take(count).cloned().collect()
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries().list.len()
    }

    /// Forgets every entry.
    pub(crate) fn clear(&self) {
        self.entries().list.clear();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing can be half done under this lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command as it is remembered: not all of it, if it is long, and without passwords. Copies only what it changes.
pub(super) fn shown(request: Request<'_>) -> impl Iterator<Item = Cow<'_, [u8]>> + Clone {
    let has_password = is(request.name(), "AUTH") || is(request.name(), "HELLO");
    let all = request.len();
    let kept = if all > ARGS_MAX { ARGS_MAX - 1 } else { all };
    let args = request.args_from(0).take(kept).enumerate().map(move |(at, arg)| {
        if has_password && at > 0 { Cow::Borrowed(b"(redacted)".as_slice()) } else { cut(arg) }
    });
    let rest =
        (all > kept).then(|| format!("... ({} more arguments)", all - kept).into_bytes().into());
    args.chain(rest)
}

/// The same, to be kept.
pub(super) fn remembered(request: Request<'_>) -> Vec<Vec<u8>> {
    shown(request).map(Cow::into_owned).collect()
}

fn cut(arg: &[u8]) -> Cow<'_, [u8]> {
    match arg.split_at_checked(ARG_BYTES_MAX) {
        Some((shown, rest)) if !rest.is_empty() => {
            [shown, format!("... ({} more bytes)", rest.len()).as_bytes()].concat().into()
        }
        _ => arg.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use kv_resp::{Decoder, Limits};

    use super::*;
    use crate::resp::clients::{Clients, Peer};

    const SLOW: Duration = Duration::from_millis(20);

    fn log(len_max: usize, turns: &[Vec<Vec<u8>>]) -> SlowLog {
        let log = SlowLog::new(len_max);
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let client = Arc::<Clients>::default().register(Peer { addr, local: addr, fd: 3 }, 0);
        client.set_label(Label::Name, "me");
        for commands in turns {
            let mut input = Vec::new();
            for command in commands {
                input.extend_from_slice(command);
                input.extend_from_slice(b"\r\n");
            }
            let mut decoder = Decoder::new(Limits::default());
            let batch = decoder.decode(&input, usize::MAX);
            log.add_turn(&batch, batch.consumed(), SLOW, &client);
        }
        log
    }

    fn turn(commands: &[&str]) -> Vec<Vec<u8>> {
        commands.iter().map(|command| command.as_bytes().to_vec()).collect()
    }

    fn args(log: &SlowLog) -> Vec<String> {
        let text = |arg: &Vec<u8>| String::from_utf8_lossy(arg).into_owned();
        log.newest(1)[0].args.iter().map(text).collect()
    }

    #[test]
    fn the_newest_are_kept_and_numbers_go_on() {
        let log = log(2, &[turn(&["A"]), turn(&["B"]), turn(&["C"])]);
        let shown: Vec<_> =
            log.newest(9).into_iter().map(|entry| (entry.id, entry.args.concat())).collect();
        assert_eq!(shown, [(2, b"C".to_vec()), (1, b"B".to_vec())]);
        assert_eq!((log.newest(1).len(), log.len()), (1, 2));
        assert_eq!(log.newest(1)[0].client_name, "me");
        log.set_len_max(1);
        assert_eq!(log.len(), 1);
        log.clear();
        assert_eq!(log.len(), 0);
    }

    #[test]
    fn of_several_commands_the_first_is_shown() {
        let log = log(1, &[turn(&["GET a", "GET b", "GET c"])]);
        assert_eq!(args(&log), ["GET", "a", "... (2 more commands of the same turn)"]);
    }

    #[test]
    fn long_commands_are_cut_as_redis_does() {
        let many = |count: usize| format!("MGET{}", " k".repeat(count));
        let shown = args(&log(1, &[turn(&[&many(31)])]));
        assert_eq!((shown.len(), shown[31].as_str()), (32, "k"));
        let shown = args(&log(1, &[turn(&[&many(32)])]));
        assert_eq!((shown.len(), shown[31].as_str()), (32, "... (2 more arguments)"));
        let long = |len: usize| format!("GET {}", "x".repeat(len));
        assert_eq!(args(&log(1, &[turn(&[&long(128)])]))[1], "x".repeat(128));
        let expected = format!("{}... (1 more bytes)", "x".repeat(128));
        assert_eq!(args(&log(1, &[turn(&[&long(129)])]))[1], expected);
    }

    #[test]
    fn passwords_are_not_shown() {
        let log = log(1, &[turn(&["AUTH default secret"])]);
        assert_eq!(args(&log), ["AUTH", "(redacted)", "(redacted)"]);
    }
}

//! What is known of one connection, and can be seen by others.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use kv_resp::Version;

use crate::resp::commands::Command;

/// One connection.
pub(crate) struct Record {
    /// Its number: greater than that of every connection before.
    pub(crate) id: u64,
    pub(crate) peer: Peer,
    /// When it came, in milliseconds since the server started.
    pub(crate) connected_ms: u64,
    seen: Mutex<Seen>,
    labels: Mutex<[Option<Box<str>>; Label::COUNT]>,
    is_killed: AtomicBool,
    /// Wakes the connection's task.
    waker: Mutex<Option<Waker>>,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The client's address.
    pub(crate) addr: SocketAddr,
    /// The server's.
    pub(crate) local: SocketAddr,
    /// The number that the system has for it.
    pub(crate) fd: i32,
}

/// What a connection told of itself at the end of its latest turn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// When that was, in milliseconds since the server started.
    pub(crate) active_ms: u64,
    /// The latest command.
    pub(crate) command: Option<&'static Command>,
    pub(crate) version: Version,
    /// Bytes received and not executed, and room for more.
    pub(crate) received: usize,
    pub(crate) room: usize,
    /// Bytes of answers that were not sent.
    pub(crate) unsent: usize,
    /// The pieces they are in.
    pub(crate) unsent_pieces: usize,
    /// Whether it waits for the answer of a command that blocks.
    pub(crate) is_blocked: bool,
    /// Whether its reads do not count as uses.
    pub(crate) no_touch: bool,
    /// Whether it is not to be closed for want of memory.
    pub(crate) no_evict: bool,
}

/// What a client says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// The connection's name.
    Name,
    /// The client library's name.
    Library,
    /// The client library's version.
    LibraryVersion,
}

impl Label {
    const COUNT: usize = 3;
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Record {
    pub(super) fn new(id: u64, peer: Peer, connected_ms: u64) -> Self {
        let seen = Seen { active_ms: connected_ms, ..Seen::default() };
        Self {
            id,
            peer,
            connected_ms,
            seen: Mutex::new(seen),
            labels: Mutex::default(),
            is_killed: AtomicBool::new(false),
            waker: Mutex::default(),
        }
    }

    /// What the connection told last.
    pub(crate) fn seen(&self) -> Seen {
        *lock(&self.seen)
    }

    /// Tells about the connection.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut lock(&self.seen));
    }

    /// What the client said of itself, if anything.
    pub(crate) fn label(&self, label: Label) -> Option<Box<str>> {
        lock(&self.labels).get(label as usize)?.clone()
    }

    /// The client says something of itself; what is empty is nothing.
    pub(crate) fn set_label(&self, label: Label, text: &str) {
        if let Some(place) = lock(&self.labels).get_mut(label as usize) {
            *place = (!text.is_empty()).then(|| text.into());
        }
    }

    /// Closes the connection: its task ends when it is next looked at, which is at once.
    pub(crate) fn kill(&self) {
        self.is_killed.store(true, Ordering::Release);
        if let Some(waker) = lock(&self.waker).take() {
            waker.wake();
        }
    }

    /// Whether the connection is to end. To be asked after [`wake_by`](Self::wake_by).
    pub(crate) fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Acquire)
    }

    /// Wakes the connection's task by this when it is killed.
    pub(crate) fn wake_by(&self, waker: &Waker) {
        lock(&self.waker).get_or_insert_with(|| waker.clone()).clone_from(waker);
    }
}

/// Nothing can be half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Runs a session on both servers and compares what they answer.

use kv_resp::Value;

use super::connection::{Answers, Connection};
use super::peer::Peer;
use super::step::{Args, CONNECTIONS, Step, args, is, words};
use super::{answer, differences};

/// Pages of one iteration: more than there are keys.
const SCAN_PAGES_MAX: usize = 1000;

/// What stands in reports for all the commands of an iteration.
const SCAN_TO_THE_END: &[u8] = b"SCAN-to-the-end";

/// What is asked of both servers before a session.
const FRESH_START: [&str; 4] = [
    "FLUSHALL",
    "CONFIG SET maxmemory 0",
    "CONFIG SET maxmemory-policy noeviction",
    "CONFIG SET timeout 0",
];

/// Two servers, of which the first is right.
pub(super) struct Pair {
    redis: Peer,
    kv: Peer,
}

/// How a session ended.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ending {
    /// How many commands were compared.
    pub(super) commands: u64,
    /// How many answers differed for a reason that is listed.
    pub(super) justified: u64,
    /// What ended it before its end.
    pub(super) mismatch: Option<Mismatch>,
}

/// Two answers that should be equal.
#[derive(Debug, PartialEq)]
pub(super) struct Mismatch {
    /// Which step of the session it was.
    pub(super) step: usize,
    /// The command, where it is known.
    pub(super) command: Args,
    /// What Redis answered.
    pub(super) redis: String,
    /// What the other answered.
    pub(super) kv: String,
}

impl Mismatch {
    /// The command's name in capitals.
    pub(super) fn name(&self) -> Vec<u8> {
        self.command.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default()
    }
}

/// What differs in one step for reasons that are listed.
#[derive(Debug, Default)]
struct Justified {
    count: u64,
    /// Whether there is any point in going on.
    stores_differ: bool,
}

/// One server's side of a session.
struct Side<'a> {
    peer: &'a Peer,
    connections: [Option<Connection>; CONNECTIONS],
}

impl Pair {
    pub(super) fn new(redis: Peer, kv: Peer) -> Self {
        Self { redis, kv }
    }

    /// Runs all steps on empty stores and fresh connections, up to the first mismatch, or to a difference that
    /// is listed and leaves different stores.
    pub(super) fn run(&self, steps: &[Step]) -> Ending {
        let [mut redis, mut kv] = [Side::new(&self.redis), Side::new(&self.kv)];
        let mut ending = Ending::default();
        for (index, step) in steps.iter().enumerate() {
            let asked = step_commands(step);
            let found = compare_answers(&asked, &redis.run(step), &kv.run(step));
            ending.commands += asked.len().max(1) as u64;
            match found {
                Ok(Justified { count, stores_differ }) => {
                    ending.justified += count;
                    if stores_differ {
                        break;
                    }
                }
                Err(mismatch) => {
                    ending.mismatch = Some(Mismatch { step: index, ..mismatch });
                    break;
                }
            }
        }
        ending
    }
}

impl<'a> Side<'a> {
    fn new(peer: &'a Peer) -> Self {
        let mut control = peer.connect();
        for command in FRESH_START {
            control.ask(&words(command));
        }
        Self { peer, connections: [const { None }; CONNECTIONS] }
    }

    fn run(&mut self, step: &Step) -> Answers {
        let commands = step_commands(step);
        let mut answers = match step {
            Step::Raw(bytes) => self.peer.connect().send_raw(bytes),
            Step::Pipeline { connection, commands } => self.exchange(*connection, commands),
            Step::Scan { connection, options } => self.scan(*connection, options),
            Step::Restore { connection, from, to, ttl, options } => {
                self.restore(*connection, [from, to, ttl], options)
            }
        };
        let altered = answers.values.into_iter().enumerate().map(|(index, value)| {
            match commands.get(index) {
                Some(command) => self.peer.altered_answer(command, value),
                None => value,
            }
        });
        answers.values = altered.collect();
        answers
    }

    fn exchange(&mut self, connection: usize, commands: &[Args]) -> Answers {
        let slot = self.connections.get_mut(connection).expect("a connection of the session");
        let open = slot.get_or_insert_with(|| {
            let mut open = self.peer.connect();
            if connection % 2 == 1 {
                open.ask(&args([b"HELLO", b"3"]));
            }
            open
        });
        let answers = open.exchange(commands);
        if answers.is_closed {
            *slot = None;
        }
        answers
    }

    /// One answer: all keys that the iteration finds, or the first error.
    fn scan(&mut self, connection: usize, options: &Args) -> Answers {
        let (mut cursor, mut keys) = (b"0".to_vec(), Vec::new());
        for page in 0.. {
            assert!(page < SCAN_PAGES_MAX, "an iteration over few keys ends");
            let mut command = args([b"SCAN", &cursor]);
            command.extend_from_slice(options);
            let answers = self.exchange(connection, &[command]);
            let [Value::Array(page)] = answers.values.as_slice() else { return answers };
            let [Value::Bulk(next), Value::Array(found)] = page.as_slice() else { return answers };
            keys.extend(found.iter().map(answer::canonical));
            cursor.clone_from(next);
            if cursor == b"0" {
                // An iteration may show a key more than once.
                keys.sort_unstable();
                keys.dedup();
                let keys = keys.into_iter().map(|key| Value::Simple(key.into_bytes())).collect();
                return Answers { values: vec![Value::Array(keys)], is_closed: false };
            }
        }
        unreachable!("pages are counted")
    }

    /// One answer: that of `RESTORE`, or of `DUMP` where there was nothing to restore.
    fn restore(&mut self, connection: usize, keys: [&Vec<u8>; 3], options: &Args) -> Answers {
        let [from, to, ttl] = keys;
        let dumped = self.exchange(connection, &[args([b"DUMP", from])]);
        let [Value::Bulk(payload)] = dumped.values.as_slice() else { return dumped };
        let mut command = args([b"RESTORE", to, ttl, payload]);
        command.extend_from_slice(options);
        self.exchange(connection, &[command])
    }
}

/// What is asked in a step, one command per answer.
fn step_commands(step: &Step) -> Vec<Args> {
    match step {
        Step::Pipeline { commands, .. } => answered(commands),
        Step::Raw(_) => Vec::new(),
        Step::Scan { options, .. } => vec![[args([SCAN_TO_THE_END]), options.clone()].concat()],
        Step::Restore { to, ttl, options, .. } => {
            vec![[args([b"RESTORE", to, ttl, b"(payload)"]), options.clone()].concat()]
        }
    }
}

/// The commands that are answered: `CLIENT REPLY` may say that some are not.
fn answered(commands: &[Args]) -> Vec<Args> {
    let (mut is_off, mut is_skipped) = (false, false);
    let mut answered = Vec::new();
    for command in commands {
        let is_reply =
            command.len() == 3 && is(command.first(), "CLIENT") && is(command.get(1), "REPLY");
        let mode = command.get(2).filter(|_| is_reply);
        let is_silent = is_off || std::mem::take(&mut is_skipped);
        if is(mode, "ON") {
            (is_off, is_skipped) = (false, false);
            answered.push(command.clone());
        } else if is(mode, "OFF") {
            is_off = true;
        } else if is(mode, "SKIP") {
            is_skipped = !is_off;
        } else if !is_silent {
            answered.push(command.clone());
        }
    }
    answered
}

/// What differs for a listed reason, or the first answers that differ for none.
fn compare_answers(asked: &[Args], redis: &Answers, kv: &Answers) -> Result<Justified, Mismatch> {
    let mut justified = Justified::default();
    let mismatch = |command: &Args, redis: String, kv: String| {
        Err(Mismatch { step: 0, command: command.clone(), redis, kv })
    };
    for (index, (redis, kv)) in redis.values.iter().zip(&kv.values).enumerate() {
        let command = asked.get(index).cloned().unwrap_or_default();
        if answer::are_alike(&command, redis, kv) {
            continue;
        }
        let Some(difference) = differences::find(&command, redis, kv) else {
            return mismatch(&command, answer::shown(redis), answer::shown(kv));
        };
        justified.count += 1;
        if difference.stores_differ {
            justified.stores_differ = true;
            return Ok(justified);
        }
    }
    if (redis.values.len(), redis.is_closed) != (kv.values.len(), kv.is_closed) {
        let command = asked.get(redis.values.len().min(kv.values.len())).cloned();
        return mismatch(&command.unwrap_or_default(), ending(redis), ending(kv));
    }
    Ok(justified)
}

fn ending(answers: &Answers) -> String {
    let end = if answers.is_closed { ", then the connection closed" } else { "" };
    let shown: Vec<String> = answers.values.iter().map(answer::shown).collect();
    format!("{} answers{end}: {}", shown.len(), shown.join(" "))
}

//! Runs a session on both servers and compares what they answer.

use kv_resp::Value;

use super::connection::Answers;
use super::peer::Peer;
use super::side::Side;
use super::step::{Args, Step, args};
use super::{answer, differences};

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
    /// The command in capitals, with its subcommand where it has any.
    pub(super) fn name(&self) -> Vec<u8> {
        let words = if self.command.first().is_some_and(|name| is_container(name)) { 2 } else { 1 };
        self.command
            .iter()
            .take(words)
            .map(|word| word.to_ascii_uppercase())
            .collect::<Vec<_>>()
            .join(&b' ')
    }
}

fn is_container(name: &[u8]) -> bool {
    const CONTAINERS: [&str; 6] = ["CLIENT", "COMMAND", "CONFIG", "MEMORY", "OBJECT", "SLOWLOG"];
    CONTAINERS.iter().any(|container| name.eq_ignore_ascii_case(container.as_bytes()))
}

/// What differs in one step for reasons that are listed.
#[derive(Debug, Default)]
struct Justified {
    count: u64,
    /// Whether there is any point in going on.
    stores_differ: bool,
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
            let asked = step.asked();
            let [from_redis, from_kv] = answers([&mut redis, &mut kv], step);
            let found = compare_answers(&asked, &from_redis, &from_kv);
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

/// What both servers answer in a step.
fn answers(sides: [&mut Side<'_>; 2], step: &Step) -> [Answers; 2] {
    match step {
        Step::Raw(bytes) => sides.map(|side| side.send_raw(bytes)),
        Step::Pipeline { connection, commands } => {
            sides.map(|side| side.exchange(*connection, commands))
        }
        Step::Scan { connection, options } => sides.map(|side| side.scan(*connection, options)),
        Step::Restore { connection, from, to, ttl, options } => {
            let [redis, kv] = sides;
            let dump = args([b"DUMP", from]);
            let dumped = [&mut *redis, &mut *kv]
                .map(|side| side.exchange(*connection, std::slice::from_ref(&dump)));
            // Each server restores what the other has dumped.
            let payloads = dumped.each_ref().map(|answers| match answers.values.as_slice() {
                [Value::Bulk(payload)] => Some(payload.clone()),
                _ => None,
            });
            let [Some(of_redis), Some(of_kv)] = payloads else { return dumped };
            [(redis, of_kv), (kv, of_redis)].map(|(side, payload): (&mut Side<'_>, Vec<u8>)| {
                let restore = args([b"RESTORE", to, ttl, &payload]);
                side.exchange(*connection, &[[restore, options.clone()].concat()])
            })
        }
    }
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

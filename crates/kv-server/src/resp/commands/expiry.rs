//! When keys end: setting, telling and removing their expiry.

use kv_core::{Action, Deadline, ExpireRule, ExpiryChange, Op};

use super::row::{Command, Flags, Group, ONE_KEY};
use crate::metrics::Operation;
use crate::resp::failure::Failure;
use crate::resp::plan::{Plan, Shape, Unit};
use crate::resp::request::{Request, is};

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("EXPIRE", -3, "1.0.0", "Sets the expiration time of a key in seconds.")
        .writes(ONE_KEY)
        .counted(Operation::Expire)
        .plan(|request| expire(request, &EXPIRE)),
    row("PEXPIRE", -3, "2.6.0", "Sets the expiration time of a key in milliseconds.")
        .writes(ONE_KEY)
        .counted(Operation::Expire)
        .plan(|request| expire(request, &PEXPIRE)),
    row("EXPIREAT", -3, "1.2.0", "Sets the expiration time of a key to a Unix timestamp.")
        .writes(ONE_KEY)
        .counted(Operation::Expire)
        .plan(|request| expire(request, &EXPIREAT)),
    row(
        "PEXPIREAT",
        -3,
        "2.6.0",
        "Sets the expiration time of a key to a Unix milliseconds timestamp.",
    )
    .writes(ONE_KEY)
    .counted(Operation::Expire)
    .plan(|request| expire(request, &PEXPIREAT)),
    row("TTL", 2, "1.0.0", "Returns the expiration time in seconds of a key.")
        .reads(ONE_KEY)
        .plan(|request| look(request, Shape::Ttl(Unit::Seconds))),
    row("PTTL", 2, "2.6.0", "Returns the expiration time in milliseconds of a key.")
        .reads(ONE_KEY)
        .plan(|request| look(request, Shape::Ttl(Unit::Millis))),
    row("EXPIRETIME", 2, "7.0.0", "Returns the expiration time of a key as a Unix timestamp.")
        .reads(ONE_KEY)
        .plan(|request| look(request, Shape::Deadline(Unit::Seconds))),
    row(
        "PEXPIRETIME",
        2,
        "7.0.0",
        "Returns the expiration time of a key as a Unix milliseconds timestamp.",
    )
    .reads(ONE_KEY)
    .plan(|request| look(request, Shape::Deadline(Unit::Millis))),
    row("PERSIST", 2, "2.2.0", "Removes the expiration time of a key.")
        .writes(ONE_KEY)
        .counted(Operation::Persist)
        .plan(persist),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary)
        .flags(Flags::KEYSPACE)
        .fast()
        .counted(Operation::Inspect)
}

/// What the commands that set an expiry differ in.
struct Kind {
    name: &'static str,
    unit: Unit,
    is_absolute: bool,
}

const EXPIRE: Kind = Kind { name: "EXPIRE", unit: Unit::Seconds, is_absolute: false };
const PEXPIRE: Kind = Kind { name: "PEXPIRE", unit: Unit::Millis, is_absolute: false };
const EXPIREAT: Kind = Kind { name: "EXPIREAT", unit: Unit::Seconds, is_absolute: true };
const PEXPIREAT: Kind = Kind { name: "PEXPIREAT", unit: Unit::Millis, is_absolute: true };

/// A time that is past for every clock: the key ends at once.
const PAST_MS: i64 = 1;

/// `EXPIRE key time [NX | XX | GT | LT]` and its kin
fn expire<'a>(request: Request<'a>, kind: &Kind) -> Result<Plan<'a>, Failure> {
    let rule = rule(request)?;
    let count = request.integer(2)?;
    let millis = kind.unit.to_millis(count).ok_or(Failure::ExpireTime(kind.name))?;
    let deadline = match millis {
        ..=0 => Deadline::at(PAST_MS),
        _ if kind.is_absolute => Deadline::at(millis),
        _ => Deadline::after(millis),
    };
    let deadline = deadline.map_err(|_out_of_range| Failure::ExpireTime(kind.name))?;
    let action = Action::Expire(ExpiryChange::Set(deadline, rule));
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Applied })
}

/// The options behind the time.
fn rule(request: Request<'_>) -> Result<ExpireRule, Failure> {
    if request.len() == 3 {
        return Ok(ExpireRule::Always);
    }
    let (mut nx, mut xx, mut gt, mut lt) = (false, false, false, false);
    for option in request.args_from(3) {
        let options = [("NX", &mut nx), ("XX", &mut xx), ("GT", &mut gt), ("LT", &mut lt)];
        let known = options.into_iter().find(|(word, _)| is(option, word));
        let (_, given) = known.ok_or_else(|| Failure::unsupported_option(option))?;
        *given = true;
    }
    match (nx, xx, gt, lt) {
        (true, true, _, _) | (true, _, true, _) | (true, _, _, true) => Err(Failure::Text(
            "ERR NX and XX, GT or LT options at the same time are not compatible",
        )),
        (_, _, true, true) => {
            Err(Failure::Text("ERR GT and LT options at the same time are not compatible"))
        }
        (true, ..) => Ok(ExpireRule::IfNone),
        (_, true, _, true) => Ok(ExpireRule::IfSomeEarlier),
        // Only what has an expiry can get a later one.
        (_, _, true, _) => Ok(ExpireRule::IfLater),
        (_, _, _, true) => Ok(ExpireRule::IfEarlier),
        (_, true, ..) => Ok(ExpireRule::IfSome),
        _ => Ok(ExpireRule::Always),
    }
}

/// `TTL key` and its kin
fn look(request: Request<'_>, shape: Shape) -> Result<Plan<'_>, Failure> {
    Ok(Plan { op: Op::new(request.arg(1), Action::Deadline), shape })
}

/// `PERSIST key`
fn persist(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let action = Action::Expire(ExpiryChange::Persist);
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Applied })
}

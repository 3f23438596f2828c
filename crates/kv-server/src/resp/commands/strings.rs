//! Strings: reading, writing, and parts of values. Numbers are in `numbers`, several keys at once in `batches`.

use kv_core::{Action, Condition, ExpireRule, ExpiryChange, Op, SetExpiry};

use super::lifetime::Lifetime;
use super::row::{Command, Group, ONE_KEY};
use crate::metrics::Operation;
use crate::resp::failure::Failure;
use crate::resp::plan::{Plan, Shape, Unit};
use crate::resp::request::{Request, is};

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("GET", 2, "1.0.0", "Returns the string value of a key.").reads(ONE_KEY).fast().counted(Operation::Get).plan(get),
    row("SET", -3, "1.0.0", "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.")
        .stores(ONE_KEY)
        .counted(Operation::Set).plan(set),
    row("SETNX", 3, "1.0.0", "Set the string value of a key only when the key doesn't exist.")
        .stores(ONE_KEY)
        .fast()
        .counted(Operation::Set).plan(setnx),
    row("SETEX", 4, "2.0.0", "Sets the string value and expiration time of a key. Creates the key if it doesn't exist.")
        .stores(ONE_KEY)
        .counted(Operation::Set).plan(|request| set_with(request, "SETEX", Unit::Seconds)),
    row("PSETEX", 4, "2.6.0", "Sets both string value and expiration time in milliseconds of a key. The key is created if it doesn't exist.")
        .stores(ONE_KEY)
        .counted(Operation::Set).plan(|request| set_with(request, "PSETEX", Unit::Millis)),
    row("GETSET", 3, "1.0.0", "Returns the previous string value of a key after setting it to a new value.")
        .stores(ONE_KEY)
        .fast()
        .counted(Operation::Set).plan(getset),
    row("GETDEL", 2, "6.2.0", "Returns the string value of a key after deleting the key.")
        .writes(ONE_KEY)
        .fast()
        .counted(Operation::Delete).plan(getdel),
    row("GETEX", -2, "6.2.0", "Returns the string value of a key after setting its expiration time.")
        .writes(ONE_KEY)
        .fast()
        .counted(Operation::Get).plan(getex),
    row("APPEND", 3, "2.0.0", "Appends a string to the value of a key. Creates the key if it doesn't exist.")
        .stores(ONE_KEY)
        .fast()
        .counted(Operation::Append).plan(append),
    row("STRLEN", 2, "2.2.0", "Returns the length of a string value.").reads(ONE_KEY).fast().counted(Operation::Inspect).plan(strlen),
    row("GETRANGE", 4, "2.4.0", "Returns a substring of the string stored at a key.")
        .reads(ONE_KEY)
        .counted(Operation::Get).plan(getrange),
    row("SUBSTR", 4, "1.0.0", "Returns a substring from a string value.").reads(ONE_KEY).counted(Operation::Get).plan(getrange),
    row("SETRANGE", 4, "2.2.0", "Overwrites a part of a string value with another by an offset. Creates the key if it doesn't exist.")
        .stores(ONE_KEY)
        .counted(Operation::Set).plan(setrange),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::String, since, summary)
}

/// `GET key`
fn get(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    Ok(Plan { op: Op::new(request.arg(1), Action::Get), shape: Shape::Value })
}

/// `SET key value [NX | XX | IFEQ value] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
fn set(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let (key, value) = (request.arg(1), request.arg(2));
    let options = if request.len() == 3 { SetOptions::default() } else { set_options(request)? };
    let expiry = match options.lifetime {
        Some(lifetime) => SetExpiry::Deadline(lifetime.deadline("SET")?),
        None if options.keeps_expiry => SetExpiry::Keep,
        None => SetExpiry::Never,
    };
    let return_previous = options.returns_previous;
    let action = Action::Set { value, expiry, return_previous };
    let shape = if return_previous { Shape::Value } else { Shape::Done };
    Ok(Plan { op: Op { key, condition: options.condition, action }, shape })
}

#[derive(Default)]
struct SetOptions<'a> {
    condition: Condition<'a>,
    returns_previous: bool,
    keeps_expiry: bool,
    lifetime: Option<Lifetime<'a>>,
}

fn set_options(request: Request<'_>) -> Result<SetOptions<'_>, Failure> {
    let mut options = SetOptions::default();
    let mut args = request.args_from(3);
    while let Some(option) = args.next() {
        if is(option, "NX") {
            options.require(Condition::IfAbsent)?;
        } else if is(option, "XX") {
            options.require(Condition::IfPresent)?;
        } else if is(option, "IFEQ") {
            options.require(Condition::IfValue(args.next().ok_or(Failure::Syntax)?))?;
        } else if is(option, "GET") {
            options.returns_previous = true;
        } else if is(option, "KEEPTTL") && options.lifetime.is_none() {
            options.keeps_expiry = true;
        } else if !options.keeps_expiry
            && let Some((unit, is_absolute)) = Lifetime::option(option)
        {
            let text = args.next().ok_or(Failure::Syntax)?;
            let lifetime = Lifetime { text, unit, is_absolute };
            lifetime.replaces(options.lifetime)?;
            options.lifetime = Some(lifetime);
        } else {
            return Err(Failure::Syntax);
        }
    }
    Ok(options)
}

impl<'a> SetOptions<'a> {
    /// One condition may be given, and `NX` or `XX` also twice.
    fn require(&mut self, condition: Condition<'a>) -> Result<(), Failure> {
        let is_new = self.condition == Condition::None;
        let is_repeated =
            self.condition == condition && !matches!(condition, Condition::IfValue(_));
        if !is_new && !is_repeated {
            return Err(Failure::Syntax);
        }
        self.condition = condition;
        Ok(())
    }
}

/// `SETNX key value`
fn setnx(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let action =
        Action::Set { value: request.arg(2), expiry: SetExpiry::Never, return_previous: false };
    let op = Op { key: request.arg(1), condition: Condition::IfAbsent, action };
    Ok(Plan { op, shape: Shape::Applied })
}

/// `SETEX key seconds value`, `PSETEX key milliseconds value`
fn set_with<'a>(
    request: Request<'a>,
    command: &'static str,
    unit: Unit,
) -> Result<Plan<'a>, Failure> {
    let deadline = Lifetime::after(request.arg(2), unit).deadline(command)?;
    let expiry = SetExpiry::Deadline(deadline);
    let action = Action::Set { value: request.arg(3), expiry, return_previous: false };
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Done })
}

/// `GETSET key value`
fn getset(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let action =
        Action::Set { value: request.arg(2), expiry: SetExpiry::Never, return_previous: true };
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Value })
}

/// `GETDEL key`
fn getdel(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let action = Action::Delete { return_previous: true };
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Value })
}

/// `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`
fn getex(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let (mut lifetime, mut persists) = (None, false);
    let mut args = request.args_from(2);
    while let Some(option) = args.next() {
        if is(option, "PERSIST") && lifetime.is_none() {
            persists = true;
        } else if !persists && let Some((unit, is_absolute)) = Lifetime::option(option) {
            let text = args.next().ok_or(Failure::Syntax)?;
            let next = Lifetime { text, unit, is_absolute };
            next.replaces(lifetime)?;
            lifetime = Some(next);
        } else {
            return Err(Failure::Syntax);
        }
    }
    let plan = |action, shape| Ok(Plan { op: Op::new(request.arg(1), action), shape });
    match lifetime.map(|lifetime| lifetime.deadline("GETEX")) {
        None if persists => plan(Action::GetExpire(ExpiryChange::Persist), Shape::Value),
        None => plan(Action::Get, Shape::Value),
        Some(Ok(deadline)) => {
            let change = ExpiryChange::Set(deadline, ExpireRule::Always);
            plan(Action::GetExpire(change), Shape::Value)
        }
        // Redis looks at the time only when there is a key.
        Some(Err(failure)) => plan(Action::Deadline, Shape::NullOr(Box::new(failure))),
    }
}

/// `APPEND key value`
fn append(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let action = Action::Append { suffix: request.arg(2) };
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Length })
}

/// `STRLEN key`
fn strlen(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    Ok(Plan { op: Op::new(request.arg(1), Action::Exists), shape: Shape::Length })
}

/// `GETRANGE key start end`
fn getrange(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let (start, end) = (request.integer(2)?, request.integer(3)?);
    Ok(Plan { op: Op::new(request.arg(1), Action::Get), shape: Shape::Range { start, end } })
}

/// `SETRANGE key offset value`
fn setrange(request: Request<'_>) -> Result<Plan<'_>, Failure> {
    let offset = u64::try_from(request.integer(2)?).map_err(|_negative| Failure::Offset)?;
    let action = Action::SetRange { offset, bytes: request.arg(3) };
    Ok(Plan { op: Op::new(request.arg(1), action), shape: Shape::Length })
}

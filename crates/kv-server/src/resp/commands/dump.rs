//! `DUMP` and `RESTORE`: values between servers, also of Redis.

use std::borrow::Cow;

use bytes::Bytes;
use kv_core::{Action, Condition, Deadline, Op, SetExpiry};

use super::call::Call;
use super::row::{Command, Flags, Group, ONE_KEY};
use crate::metrics::Operation;
use crate::resp::failure::Failure;
use crate::resp::rdb::{self, PayloadError};
use crate::resp::request::{Request, integer, is};

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("DUMP", 2, "2.6.0", "Returns a serialized representation of the value stored at a key.")
        .reads(ONE_KEY)
        .counted(Operation::Get)
        .call(dump),
    row("RESTORE", -4, "2.6.0", "Creates a key from the serialized representation of a value.")
        .stores(ONE_KEY)
        .flags(Flags::DANGEROUS)
        .counted(Operation::Set)
        .call(restore),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary).flags(Flags::KEYSPACE)
}

/// `DUMP key`
fn dump(call: &mut Call<'_>) -> Result<(), Failure> {
    let reply = call.execute(&Op::new(call.request().arg(1), Action::Get))?;
    let payload = reply.into_value().map(|value| Bytes::from(rdb::encode(&value)));
    call.value(payload);
    Ok(())
}

/// `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds | FREQ frequency]`
fn restore(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let (key, options) = (request.arg(1), RestoreOptions::of(request)?);
    let value_bytes_max = call.shared.config.limits.value_bytes_max.as_usize();
    // Of several things that are wrong Redis tells the first in this order.
    let restored = ttl(request.arg(2)).and_then(|ttl_ms| {
        let value = value(request.arg(3), value_bytes_max)?;
        Ok((options.expiry(ttl_ms)?, value))
    });
    let condition = if options.replaces { Condition::None } else { Condition::IfAbsent };
    let (expiry, value) = match restored {
        Ok(restored) => restored,
        // Redis looks whether there is a key before it looks at anything else.
        Err(failure) => {
            let look = Op::new(key, Action::Deadline);
            let is_taken = !options.replaces && call.execute(&look)?.applied;
            return Err(if is_taken { Failure::KeyExists } else { failure });
        }
    };
    let action = Action::Set { value: &value, expiry, return_previous: false };
    if !call.execute(&Op { key, condition, action })?.applied {
        return Err(Failure::KeyExists);
    }
    call.ok();
    Ok(())
}

#[derive(Default)]
struct RestoreOptions {
    replaces: bool,
    is_absolute: bool,
}

impl RestoreOptions {
    /// Reads what follows the payload. How long a key was idle and how often it was used is checked and no
    /// more: it begins anew here.
    fn of(request: Request<'_>) -> Result<Self, Failure> {
        let mut options = Self::default();
        let (mut is_idle, mut has_frequency) = (false, false);
        let mut args = request.args_from(4);
        while let Some(option) = args.next() {
            if is(option, "REPLACE") {
                options.replaces = true;
            } else if is(option, "ABSTTL") {
                options.is_absolute = true;
            } else if is(option, "IDLETIME") && !has_frequency {
                is_idle = true;
                if integer(args.next().ok_or(Failure::Syntax)?)? < 0 {
                    return Err(Failure::Text("ERR Invalid IDLETIME value, must be >= 0"));
                }
            } else if is(option, "FREQ") && !is_idle {
                has_frequency = true;
                if !(0..=255).contains(&integer(args.next().ok_or(Failure::Syntax)?)?) {
                    return Err(Failure::Text("ERR Invalid FREQ value, must be >= 0 and <= 255"));
                }
            } else {
                return Err(Failure::Syntax);
            }
        }
        Ok(options)
    }

    /// When the key ends, in so many milliseconds; 0 for never.
    fn expiry(&self, ttl_ms: i64) -> Result<SetExpiry, Failure> {
        let deadline = match ttl_ms {
            0 => return Ok(SetExpiry::Never),
            _ if self.is_absolute => Deadline::at(ttl_ms),
            _ => Deadline::after(ttl_ms),
        };
        let deadline = deadline.map_err(|_too_late| Failure::ExpireTime("RESTORE"))?;
        Ok(SetExpiry::Deadline(deadline))
    }
}

fn ttl(text: &[u8]) -> Result<i64, Failure> {
    match integer(text)? {
        ..0 => Err(Failure::Text("ERR Invalid TTL value, must be >= 0")),
        ttl_ms => Ok(ttl_ms),
    }
}

fn value(payload: &[u8], value_bytes_max: usize) -> Result<Cow<'_, [u8]>, Failure> {
    rdb::decode(payload, value_bytes_max).map_err(|error| match error {
        PayloadError::Checksum => Failure::Text("ERR DUMP payload version or checksum are wrong"),
        PayloadError::Malformed => Failure::Text("ERR Bad data format"),
        PayloadError::TooLong => Failure::TooLong,
    })
}

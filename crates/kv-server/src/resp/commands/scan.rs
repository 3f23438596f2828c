//! Looking through all keys: SCAN a page at a time, KEYS to the end, RANDOMKEY at one.

use std::sync::Arc;

use bytes::Bytes;
use kv_core::{ScanCursor, ScanSpec};
use kv_resp::{Encoder, Version};
use tokio::task::yield_now;

use super::call::Call;
use super::row::{Command, Flags, Group};
use crate::metrics::Operation;
use crate::promise::Basis;
use crate::resp::answers::Answers;
use crate::resp::failure::Failure;
use crate::resp::glob;
use crate::resp::request::{integer, is};
use crate::resp::shared::Shared;

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[
    row("SCAN", -2, "2.8.0", "Iterates over the key names in the database.").call(scan),
    row("KEYS", 2, "1.0.0", "Returns all key names that match a pattern.")
        .flags(Flags::DANGEROUS)
        .call(keys),
    row("RANDOMKEY", 1, "1.0.0", "Returns a random key name from the database.").call(randomkey),
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Generic, since, summary)
        .flags(Flags::KEYSPACE.and(Flags::READONLY))
        .counted(Operation::Scan)
}

/// Keys looked at for one page, unless the client says otherwise.
const COUNT: usize = 10;

/// Keys that `KEYS` looks at before others have their turn.
const KEYS_PER_TURN_MAX: usize = 1024;

/// The only type of value there is.
const TYPE: &str = "string";

struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    /// Whether keys can be of the type asked for.
    is_type_known: bool,
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
fn scan(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    let cursor = cursor(request.arg(1)).ok_or(Failure::Cursor)?;
    let options = options(request.args_from(2))?;
    let spec = ScanSpec { prefix: b"", page_keys: options.count, page_bytes: 0, values: false };
    let page = call.store().scan(&spec, ScanCursor::from_u64(cursor))?;
    call.rest_on(Basis::of_read(page.lsn));
    let matches = |key: &[u8]| {
        options.is_type_known && options.pattern.is_none_or(|pattern| glob::matches(pattern, key))
    };
    let keys: Vec<Bytes> =
        page.entries.into_iter().map(|entry| entry.key).filter(|key| matches(key)).collect();
    let mut reply = call.reply();
    reply.array(2);
    let next = page.next.map_or(0, ScanCursor::to_u64);
    reply.bulk(next.to_string().as_bytes());
    reply.array(keys.len());
    for key in &keys {
        reply.bulk(key);
    }
    Ok(())
}

/// A cursor as C's `strtoul` reads it, which takes an empty text for 0.
fn cursor(text: &[u8]) -> Option<u64> {
    match text {
        [] => Some(0),
        digits if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok()?.parse().ok()
        }
        _ => None,
    }
}

fn options<'a>(mut args: impl ExactSizeIterator<Item = &'a [u8]>) -> Result<Options<'a>, Failure> {
    let mut options = Options { pattern: None, count: COUNT, is_type_known: true };
    while let Some(option) = args.next() {
        let value = args.next().ok_or(Failure::Syntax)?;
        if is(option, "MATCH") {
            options.pattern = Some(value).filter(|pattern| *pattern != b"*");
        } else if is(option, "COUNT") {
            let count = usize::try_from(integer(value)?).unwrap_or(0);
            options.count = if count > 0 { count } else { return Err(Failure::Syntax) };
        } else if is(option, "TYPE") {
            options.is_type_known = is(value, TYPE);
        } else {
            return Err(Failure::Syntax);
        }
    }
    Ok(options)
}

/// `KEYS pattern`
fn keys(call: &mut Call<'_>) -> Result<(), Failure> {
    let pattern = call.request().arg(1).to_vec();
    call.later_timed(all_keys(Arc::clone(call.shared), pattern, call.client.version));
    Ok(())
}

/// Looks at every key, so many at a time.
async fn all_keys(
    shared: Arc<Shared>,
    pattern: Vec<u8>,
    version: Version,
) -> Result<Answers, Failure> {
    let bytes_max = shared.output_bytes_max;
    let prefix = glob::literal_prefix(&pattern);
    let (mut found, mut count) = (Vec::new(), 0);
    let (mut cursor, mut basis) = (None, Basis::default());
    loop {
        let spec = ScanSpec { prefix, page_keys: KEYS_PER_TURN_MAX, page_bytes: 0, values: false };
        let page = shared.gate.store().scan(&spec, cursor)?;
        basis = basis.and(Basis::of_read(page.lsn));
        for entry in page.entries.iter().filter(|entry| glob::matches(&pattern, &entry.key)) {
            Encoder::new(&mut found, version).bulk(&entry.key);
            count += 1;
        }
        if found.len() > bytes_max {
            return Err(Failure::Owned(format!(
                "ERR the keys take more than limits.output_bytes_max = {bytes_max} bytes: use SCAN"
            )));
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        yield_now().await;
    }
    let mut answers = Answers::default();
    answers.encoder(version).array(count);
    answers.append(found.into());
    answers.rest_on(0, basis);
    Ok(answers)
}

/// `RANDOMKEY`
fn randomkey(call: &mut Call<'_>) -> Result<(), Failure> {
    let drawn = call.store().random_key();
    call.rest_on(Basis::of_read(drawn.lsn));
    call.value(drawn.key);
    Ok(())
}

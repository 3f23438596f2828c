//! `MEMORY`: what memory is used for.

use kv_resp::Encoder;

use super::call::Call;
use super::help::help;
use super::object::THIRD_KEY;
use super::row::{Command, Flags, Group};
use crate::metrics::Operation;
use crate::promise::Basis;
use crate::resp::failure::Failure;
use crate::resp::info::Memory;
use crate::resp::request::{Request, integer, is};

/// The rows of this family.
pub(super) const COMMANDS: &[Command] = &[Command::new(
    "MEMORY",
    -2,
    Group::Server,
    "4.0.0",
    "A container for memory diagnostics commands.",
)
.container(SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    row("USAGE", -3, "4.0.0", "Estimates the memory usage of a key.")
        .reads(THIRD_KEY)
        .counted(Operation::Inspect)
        .call(usage),
    row("STATS", 2, "4.0.0", "Returns details about memory usage.").call(stats),
    row("DOCTOR", 2, "4.0.0", "Outputs a memory problems report.").call(doctor),
    row("MALLOC-STATS", 2, "4.0.0", "Returns the allocator statistics.").call(malloc_stats),
    row("PURGE", 2, "4.0.0", "Asks the allocator to release memory.").call(purge),
    row("HELP", 2, "4.0.0", "Returns helpful text about the different subcommands.")
        .flags(Flags::LOADING.and(Flags::STALE))
        .call(|call| help(call, HELP)),
];

const HELP: &[&str] = &[
    "DOCTOR",
    "    Return memory problems reports.",
    "MALLOC-STATS",
    "    Return internal statistics report from the memory allocator.",
    "PURGE",
    "    Attempt to purge dirty pages for reclamation by the allocator.",
    "STATS",
    "    Return information about the memory usage of the server.",
    "USAGE <key> [SAMPLES <count>]",
    "    Return memory in bytes used by <key> and its value. Nested values are",
    "    sampled up to <count> times (default: 5, 0 means sample all).",
];

const fn row(name: &'static str, arity: i8, since: &'static str, summary: &'static str) -> Command {
    Command::new(name, arity, Group::Server, since, summary).of("MEMORY")
}

/// `MEMORY USAGE key [SAMPLES count]`: values have no parts that could be sampled.
fn usage(call: &mut Call<'_>) -> Result<(), Failure> {
    let request = call.request();
    check_options(request)?;
    match call.store().inspect(request.arg(2)) {
        Some(info) => {
            call.rest_on(Basis::of_read(info.lsn));
            call.reply().integer(i64::try_from(info.memory_bytes).unwrap_or(i64::MAX));
        }
        None => call.reply().null(),
    }
    Ok(())
}

fn check_options(request: Request<'_>) -> Result<(), Failure> {
    let mut args = request.args_from(3);
    while let Some(option) = args.next() {
        let value = args.next().filter(|_value| is(option, "SAMPLES"));
        if integer(value.ok_or(Failure::Syntax)?)? < 0 {
            return Err(Failure::Syntax);
        }
    }
    Ok(())
}

/// `MEMORY STATS`
fn stats(call: &mut Call<'_>) -> Result<(), Failure> {
    let now = Memory::now(call.shared);
    let (store, used) = (&now.store, now.store.memory_used_bytes);
    let mut reply = call.reply();
    reply.map(27);
    number(&mut reply, "peak.allocated", now.peak);
    number(&mut reply, "total.allocated", used);
    for name in ["startup.allocated", "replication.backlog", "clients.slaves"] {
        number(&mut reply, name, 0);
    }
    number(&mut reply, "clients.normal", now.clients);
    number(&mut reply, "cluster.links", 0);
    number(&mut reply, "aof.buffer", now.log);
    number(&mut reply, "lua.caches", 0);
    number(&mut reply, "functions.caches", 0);
    number(&mut reply, "overhead.total", now.overhead());
    number(&mut reply, "keys.count", store.keys);
    number(&mut reply, "keys.bytes-per-key", used.checked_div(store.keys).unwrap_or(0));
    number(&mut reply, "dataset.bytes", store.payload_bytes);
    share(&mut reply, "dataset.percentage", percent(store.payload_bytes, used));
    share(&mut reply, "peak.percentage", percent(used, now.peak));
    for name in ["allocator.allocated", "allocator.active", "allocator.resident"] {
        number(&mut reply, name, 0);
    }
    share(&mut reply, "allocator-fragmentation.ratio", 0.0);
    number(&mut reply, "allocator-fragmentation.bytes", 0);
    share(&mut reply, "allocator-rss.ratio", 0.0);
    number(&mut reply, "allocator-rss.bytes", 0);
    share(&mut reply, "rss-overhead.ratio", 0.0);
    number(&mut reply, "rss-overhead.bytes", 0);
    share(&mut reply, "fragmentation", percent(now.resident, used) / 100.0);
    number(&mut reply, "fragmentation.bytes", now.resident.saturating_sub(used));
    Ok(())
}

fn number(reply: &mut Encoder<'_, Vec<u8>>, name: &str, number: u64) {
    reply.bulk(name.as_bytes());
    reply.integer(i64::try_from(number).unwrap_or(i64::MAX));
}

fn share(reply: &mut Encoder<'_, Vec<u8>>, name: &str, share: f64) {
    reply.bulk(name.as_bytes());
    reply.double(share);
}

#[expect(clippy::cast_precision_loss, reason = "for people, who read a few digits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// `MEMORY DOCTOR`
fn doctor(call: &mut Call<'_>) -> Result<(), Failure> {
    let now = Memory::now(call.shared);
    let limit = now.store.memory_limit_bytes;
    let report = if limit > 0 && now.store.memory_used_bytes > limit {
        "The store uses more memory than its limit allows, and finds nothing to evict: raise maxmemory, or \
         choose an eviction policy that may evict these keys.\n"
    } else {
        "No memory problems were found: the store is within its limit, if it has one.\n"
    };
    call.reply().verbatim(*b"txt", report.as_bytes());
    Ok(())
}

/// `MEMORY MALLOC-STATS`
fn malloc_stats(call: &mut Call<'_>) -> Result<(), Failure> {
    call.reply().bulk(b"Stats not supported for the current allocator");
    Ok(())
}

/// `MEMORY PURGE`: the allocator gives memory back by itself.
fn purge(call: &mut Call<'_>) -> Result<(), Failure> {
    call.ok();
    Ok(())
}

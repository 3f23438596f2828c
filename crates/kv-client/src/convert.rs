//! Translates between the wire's types and the client's own. The only place that does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kv_proto::v1 as wire;
use tonic::Code;

use crate::batch::Reply;
use crate::status;
use crate::{
    Appended, Cursor, Deleted, Durability, Entry, Error, ExpireRule, Expired, Flushed, Incremented,
    KeyState, Meta, PersistenceStats, Reason, ScanEntry, ScanPage, SnapshotStats, SnapshotTaken,
    Stats, Version, Written,
};

/// Whole milliseconds, rounded up so that a short TTL does not become none. What does not fit ends
/// at the largest number, which the server refuses by name.
pub(crate) fn ttl_to_wire(ttl: Duration) -> i64 {
    let millis = ttl.as_nanos().div_ceil(1_000_000);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// Milliseconds since the Unix epoch. The epoch itself and times before it are as past as the first
/// millisecond after it, which is the first the server takes.
pub(crate) fn time_to_wire(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(1, ttl_to_wire).max(1)
}

pub(crate) fn durability_to_wire(durability: Durability) -> i32 {
    i32::from(match durability {
        Durability::Memory => wire::Durability::Memory,
        Durability::Buffered => wire::Durability::Buffered,
        Durability::Fsync => wire::Durability::Fsync,
    })
}

pub(crate) fn rule_to_wire(rule: ExpireRule) -> i32 {
    i32::from(match rule {
        ExpireRule::Always => wire::ExpireRule::Unspecified,
        ExpireRule::IfNone => wire::ExpireRule::Nx,
        ExpireRule::IfAny => wire::ExpireRule::Xx,
        ExpireRule::IfLater => wire::ExpireRule::Gt,
        ExpireRule::IfEarlier => wire::ExpireRule::Lt,
    })
}

fn durability(number: i32) -> Option<Durability> {
    match wire::Durability::try_from(number) {
        Ok(wire::Durability::Memory) => Some(Durability::Memory),
        Ok(wire::Durability::Buffered) => Some(Durability::Buffered),
        Ok(wire::Durability::Fsync) => Some(Durability::Fsync),
        Ok(wire::Durability::Unspecified) | Err(_) => None,
    }
}

fn ttl(ttl_ms: Option<i64>) -> Option<Duration> {
    ttl_ms.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// The state of a key; version 0 stands for a key that does not exist.
fn state(version: u64, ttl_ms: Option<i64>) -> Option<KeyState> {
    (version != 0).then(|| KeyState { version: Version::new(version), ttl: ttl(ttl_ms) })
}

pub(crate) fn entry(reply: wire::GetResponse) -> Option<Entry> {
    let version = Version::new(reply.version);
    reply.value.map(|value| Entry { value, version, ttl: ttl(reply.ttl_ms) })
}

/// A set that was not applied had a condition, and it did not hold.
pub(crate) fn written(reply: wire::SetResponse) -> Result<Written, Error> {
    if !reply.applied {
        let current = state(reply.version, reply.ttl_ms);
        return Err(Error::ConditionFailed { current, previous: reply.previous });
    }
    Ok(Written {
        version: Version::new(reply.version),
        ttl: ttl(reply.ttl_ms),
        previous: reply.previous,
        achieved: durability(reply.achieved),
    })
}

/// A delete that was not applied found no key, which only a condition makes a failure.
pub(crate) fn deleted(
    reply: wire::DeleteResponse,
    conditional: bool,
) -> Result<Option<Deleted>, Error> {
    if reply.applied {
        return Ok(Some(Deleted {
            version: Version::new(reply.version),
            previous: reply.previous,
            achieved: durability(reply.achieved),
        }));
    }
    match state(reply.version, reply.ttl_ms) {
        None if !conditional => Ok(None),
        current => Err(Error::ConditionFailed { current, previous: reply.previous }),
    }
}

pub(crate) fn meta(reply: &wire::ExistsResponse) -> Option<Meta> {
    reply.exists.then(|| Meta {
        version: Version::new(reply.version),
        ttl: ttl(reply.ttl_ms),
        value_bytes: reply.value_bytes,
    })
}

pub(crate) fn incremented(reply: &wire::IncrementResponse) -> Incremented {
    Incremented {
        value: reply.value,
        version: Version::new(reply.version),
        ttl: ttl(reply.ttl_ms),
        achieved: durability(reply.achieved),
    }
}

pub(crate) fn appended(reply: &wire::AppendResponse) -> Appended {
    Appended {
        value_bytes: reply.value_bytes,
        version: Version::new(reply.version),
        ttl: ttl(reply.ttl_ms),
        achieved: durability(reply.achieved),
    }
}

pub(crate) fn expired(reply: &wire::ExpireResponse) -> Expired {
    Expired {
        applied: reply.applied,
        current: state(reply.version, reply.ttl_ms),
        achieved: durability(reply.achieved),
    }
}

pub(crate) fn flushed(reply: &wire::FlushResponse) -> Flushed {
    Flushed { removed: reply.removed, achieved: durability(reply.achieved) }
}

pub(crate) fn achieved(number: i32) -> Option<Durability> {
    durability(number)
}

/// The answer to one operation of a batch.
pub(crate) fn op_result(result: wire::OpResult, conditional_delete: bool) -> Result<Reply, Error> {
    use wire::op_result::Result as Wire;
    Ok(match result.result {
        Some(Wire::Get(reply)) => Reply::Get(entry(reply)),
        Some(Wire::Set(reply)) => Reply::Set(written(reply)?),
        Some(Wire::Delete(reply)) => Reply::Delete(deleted(reply, conditional_delete)?),
        Some(Wire::Exists(reply)) => Reply::Exists(meta(&reply)),
        Some(Wire::Increment(reply)) => Reply::Increment(incremented(&reply)),
        Some(Wire::Append(reply)) => Reply::Append(appended(&reply)),
        Some(Wire::Expire(reply)) => Reply::Expire(expired(&reply)),
        Some(Wire::Error(error)) => {
            let reason = Reason::from_number(error.reason);
            return Err(status::refusal(Code::from_i32(error.code), reason, &error.message));
        }
        None => {
            let message = "the server sent an operation's answer without content".to_owned();
            return Err(Error::Internal { message });
        }
    })
}

pub(crate) fn page(reply: wire::ScanResponse) -> ScanPage {
    let entries = reply.entries.into_iter().map(|entry| ScanEntry {
        key: entry.key,
        value: entry.value,
        version: Version::new(entry.version),
        ttl: ttl(entry.ttl_ms),
    });
    let cursor = (!reply.cursor.is_empty()).then(|| Cursor::new(reply.cursor));
    ScanPage { entries: entries.collect(), cursor }
}

pub(crate) fn stats(reply: wire::StatsResponse) -> Stats {
    Stats {
        server_version: reply.server_version,
        uptime: Duration::from_millis(reply.uptime_ms),
        keys: reply.keys,
        volatile_keys: reply.volatile_keys,
        payload_bytes: reply.payload_bytes,
        memory_used_bytes: reply.memory_used_bytes,
        memory_limit_bytes: Some(reply.memory_limit_bytes).filter(|limit| *limit != 0),
        eviction_policy: reply.eviction_policy,
        hits: reply.hits,
        misses: reply.misses,
        writes: reply.writes,
        expired_keys: reply.expired_keys,
        evicted_keys: reply.evicted_keys,
        evicted_bytes: reply.evicted_bytes,
        expiry_lag_p50: Duration::from_millis(reply.expiry_lag_p50_ms),
        expiry_lag_p99: Duration::from_millis(reply.expiry_lag_p99_ms),
        expiry_lag_max: Duration::from_millis(reply.expiry_lag_max_ms),
        shards: reply.shards,
        shard_keys_min: reply.shard_keys_min,
        shard_keys_max: reply.shard_keys_max,
        durability_max: durability(reply.durability_max),
        persistence: reply.persistence.map(persistence_stats),
    }
}

fn persistence_stats(stats: wire::PersistenceStats) -> PersistenceStats {
    PersistenceStats {
        fsync: stats.fsync,
        log_position: stats.log_position,
        durable_position: stats.durable_position,
        log_bytes: stats.log_bytes,
        log_segments: stats.log_segments,
        waiting_bytes: stats.waiting_bytes,
        syncs: stats.syncs,
        last_snapshot: stats.last_snapshot.map(|snapshot| SnapshotStats {
            taken_at: time_from_wire(snapshot.taken_at_ms),
            keys: snapshot.keys,
            bytes: snapshot.bytes,
            duration: Duration::from_millis(snapshot.duration_ms),
        }),
        snapshot_failures: stats.snapshot_failures,
        torn_tail_bytes: stats.torn_tail_bytes,
        failure: Some(stats.failure).filter(|failure| !failure.is_empty()),
    }
}

/// A time that this machine cannot express is as good as none.
fn time_from_wire(millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}

pub(crate) fn snapshot_taken(reply: &wire::SnapshotResponse) -> SnapshotTaken {
    SnapshotTaken {
        id: reply.id,
        keys: reply.keys,
        bytes: reply.bytes,
        duration: Duration::from_millis(reply.duration_ms),
    }
}

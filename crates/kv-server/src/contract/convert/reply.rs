//! Answers of the engine become answers of the wire.

use std::time::Duration;

use bytes::Bytes;
use kv_core::{Durability, JournalError, Payload, Reply, ScanPage, StoreStats, Value, Version};
use kv_proto::batch::OpRef;
use kv_proto::v1::{self, op as one_of, op_result};

use super::enums::wire_durability;
use crate::clock::millis;
use crate::config::FsyncMode;
use crate::persistence::PersistenceStats;

/// The level every write has reached when it was executed.
const MEMORY: Durability = Durability::Memory;

/// The level of what was not written.
const UNWRITTEN: i32 = v1::Durability::Unspecified as i32;

/// The answer to a read.
pub(crate) fn get_response(reply: Reply) -> v1::GetResponse {
    let (version, ttl_ms) = (reply.version.get(), wire_ttl(reply.ttl_ms));
    v1::GetResponse { value: reply.into_value(), version, ttl_ms }
}

/// The answer to a write.
pub(crate) fn set_response(reply: Reply, achieved: Durability) -> v1::SetResponse {
    v1::SetResponse {
        applied: reply.applied,
        version: reply.version.get(),
        ttl_ms: wire_ttl(reply.ttl_ms),
        achieved: wire_achieved(reply.applied, achieved),
        previous: reply.into_value(),
    }
}

/// The answer to a delete.
pub(crate) fn delete_response(reply: Reply, achieved: Durability) -> v1::DeleteResponse {
    v1::DeleteResponse {
        applied: reply.applied,
        version: reply.version.get(),
        ttl_ms: wire_ttl(reply.ttl_ms),
        achieved: wire_achieved(reply.applied, achieved),
        previous: reply.into_value(),
    }
}

/// The answer to a question for existence.
pub(crate) fn exists_response(reply: &Reply) -> v1::ExistsResponse {
    v1::ExistsResponse {
        exists: reply.applied,
        version: reply.version.get(),
        ttl_ms: wire_ttl(reply.ttl_ms),
        value_bytes: length(reply),
    }
}

/// The answer to an increment.
pub(crate) fn increment_response(reply: &Reply, achieved: Durability) -> v1::IncrementResponse {
    let value = match reply.payload {
        Payload::Number(value) => value,
        _ => 0,
    };
    v1::IncrementResponse {
        value,
        version: reply.version.get(),
        ttl_ms: wire_ttl(reply.ttl_ms),
        achieved: wire_achieved(reply.applied, achieved),
    }
}

/// The answer to an append.
pub(crate) fn append_response(reply: &Reply, achieved: Durability) -> v1::AppendResponse {
    v1::AppendResponse {
        value_bytes: length(reply),
        version: reply.version.get(),
        ttl_ms: wire_ttl(reply.ttl_ms),
        achieved: wire_achieved(reply.applied, achieved),
    }
}

/// The answer to a change of an expiry.
pub(crate) fn expire_response(reply: &Reply, achieved: Durability) -> v1::ExpireResponse {
    v1::ExpireResponse {
        applied: reply.applied,
        version: reply.version.get(),
        ttl_ms: wire_ttl(reply.ttl_ms),
        achieved: wire_achieved(reply.applied, achieved),
    }
}

/// The answer to the operation `asked` of a batch. A write has reached memory so far: see
/// [`raise_achieved`].
pub(crate) fn op_result(asked: OpRef<'_>, reply: Reply) -> v1::OpResult {
    let result = match asked {
        OpRef::Get(_) => Some(op_result::Result::Get(get_response(reply))),
        OpRef::Set(_) => Some(op_result::Result::Set(set_response(reply, MEMORY))),
        OpRef::Other(op) => other_result(op, reply),
    };
    v1::OpResult { result }
}

fn other_result(asked: &v1::Op, reply: Reply) -> Option<op_result::Result> {
    Some(match asked.op.as_ref()? {
        one_of::Op::Get(_) => op_result::Result::Get(get_response(reply)),
        one_of::Op::Set(_) => op_result::Result::Set(set_response(reply, MEMORY)),
        one_of::Op::Delete(_) => op_result::Result::Delete(delete_response(reply, MEMORY)),
        one_of::Op::Exists(_) => op_result::Result::Exists(exists_response(&reply)),
        one_of::Op::Increment(_) => {
            op_result::Result::Increment(increment_response(&reply, MEMORY))
        }
        one_of::Op::Append(_) => op_result::Result::Append(append_response(&reply, MEMORY)),
        one_of::Op::Expire(_) => op_result::Result::Expire(expire_response(&reply, MEMORY)),
    })
}

/// Says in the answer to a batch, and to each of its operations, which level their writes have reached.
pub(crate) fn raise_achieved(response: &mut v1::BatchWriteResponse, level: Durability) {
    if response.achieved == UNWRITTEN || level == MEMORY {
        return;
    }
    let level = wire_durability(level);
    response.achieved = level.into();
    response.results.set_achieved(level);
}

/// The answer to the operation of an atomic batch whose condition did not hold.
pub(crate) fn unmet_result(
    asked: OpRef<'_>,
    version: Version,
    ttl_ms: Option<u64>,
) -> v1::OpResult {
    let existed = version != Version::NONE;
    op_result(asked, Reply { existed, version, ttl_ms, ..Reply::default() })
}

/// One page of a scan.
pub(crate) fn scan_response(page: ScanPage) -> v1::ScanResponse {
    let entries = page
        .entries
        .into_iter()
        .map(|entry| v1::ScanEntry {
            key: entry.key,
            value: entry.value.map(Value::into_bytes),
            version: entry.version.get(),
            ttl_ms: wire_ttl(entry.ttl_ms),
        })
        .collect();
    let cursor = page.next.map_or_else(Bytes::new, |next| Bytes::copy_from_slice(&next.encode()));
    v1::ScanResponse { entries, cursor }
}

/// The statistics of the store and of the process that holds it.
pub(crate) fn stats_response(
    stats: &StoreStats,
    uptime: Duration,
    durability_max: Durability,
) -> v1::StatsResponse {
    v1::StatsResponse {
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_ms: millis(uptime),
        keys: stats.keys,
        volatile_keys: stats.volatile_keys,
        payload_bytes: stats.payload_bytes,
        memory_used_bytes: stats.memory_used_bytes,
        memory_limit_bytes: stats.memory_limit_bytes,
        eviction_policy: stats.eviction_policy.to_owned(),
        hits: stats.hits,
        misses: stats.misses,
        writes: stats.writes,
        expired_keys: stats.expired_keys,
        evicted_keys: stats.evicted_keys,
        evicted_bytes: stats.evicted_bytes,
        expiry_lag_p50_ms: stats.expiry_lag_ms.p50,
        expiry_lag_p99_ms: stats.expiry_lag_ms.p99,
        expiry_lag_max_ms: stats.expiry_lag_ms.max,
        shards: stats.shards,
        shard_keys_min: stats.shard_keys_min,
        shard_keys_max: stats.shard_keys_max,
        durability_max: wire_durability(durability_max).into(),
        persistence: None,
    }
}

/// The statistics of what is on disk.
pub(crate) fn persistence_stats(
    stats: &PersistenceStats,
    fsync: FsyncMode,
    health: Result<(), JournalError>,
) -> v1::PersistenceStats {
    v1::PersistenceStats {
        fsync: fsync.name().to_owned(),
        log_position: stats.log_position.get(),
        durable_position: stats.durable_position.get(),
        log_bytes: stats.log_bytes,
        log_segments: stats.log_segments,
        waiting_bytes: stats.waiting_bytes,
        syncs: stats.syncs.count(),
        last_snapshot: stats.last_snapshot.map(|snapshot| v1::SnapshotStats {
            taken_at_ms: snapshot.taken_at_ms,
            keys: snapshot.keys,
            bytes: snapshot.bytes,
            duration_ms: millis(snapshot.duration),
        }),
        snapshot_failures: stats.snapshot_failures,
        torn_tail_bytes: stats.torn_tail_bytes,
        failure: health.err().map(|failure| failure.to_string()).unwrap_or_default(),
    }
}

/// The level a write has reached; unspecified when nothing was written.
pub(crate) fn wire_achieved(written: bool, level: Durability) -> i32 {
    if written { wire_durability(level).into() } else { UNWRITTEN }
}

fn length(reply: &Reply) -> u64 {
    match reply.payload {
        Payload::Length(bytes) => bytes,
        _ => 0,
    }
}

/// Expiries keep 48 bits, so a TTL always fits.
pub(crate) fn wire_ttl(ttl_ms: Option<u64>) -> Option<i64> {
    ttl_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX))
}

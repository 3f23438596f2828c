"""One key: read, written under conditions, counted, extended, removed, with and without an expiry."""

import time

from harness import check, equal, within

from connection import kv, kv_pb2 as pb

#: No test takes this long, in milliseconds; what is left of an expiry is judged with it.
SLACK = 60_000


def ttl_of(answer):
    """The remaining time to live of an answer; None without one."""
    return answer.ttl_ms if answer.HasField("ttl_ms") else None


@check
def get_and_set():
    absent = kv.Get(pb.GetRequest(key=b"k"))
    equal((absent.HasField("value"), absent.version, ttl_of(absent)), (False, 0, None))
    written = kv.Set(pb.SetRequest(key=b"k", value=b"v"))
    equal((written.applied, ttl_of(written), written.achieved), (True, None, pb.DURABILITY_FSYNC))
    read = kv.Get(pb.GetRequest(key=b"k"))
    equal((read.value, read.version, ttl_of(read)), (b"v", written.version, None))
    again = kv.Set(pb.SetRequest(key=b"k", value=b"", return_previous=True))
    equal((again.version > written.version, again.previous), (True, b"v"))
    empty = kv.Get(pb.GetRequest(key=b"k"))
    equal((empty.HasField("value"), empty.value), (True, b""))


@check
def binary_keys_and_values():
    binary = bytes(range(256)) * 4
    kv.Set(pb.SetRequest(key=binary, value=binary))
    equal(kv.Get(pb.GetRequest(key=binary)).value, binary)
    equal(kv.Exists(pb.ExistsRequest(key=binary)).value_bytes, 1024)


@check
def conditions():
    def set_if(condition, **more):
        return kv.Set(pb.SetRequest(key=b"k", value=b"v", condition=condition, **more))

    equal(set_if(pb.CONDITION_IF_PRESENT).applied, False)
    first = set_if(pb.CONDITION_IF_ABSENT)
    equal(first.applied, True)
    second = set_if(pb.CONDITION_IF_ABSENT)
    equal((second.applied, second.version), (False, first.version))
    equal(set_if(pb.CONDITION_IF_VERSION, if_version=first.version + 1).applied, False)
    third = set_if(pb.CONDITION_IF_VERSION, if_version=first.version)
    equal((third.applied, third.version > first.version), (True, True))


@check
def delete():
    equal(kv.Delete(pb.DeleteRequest(key=b"k")).applied, False)
    version = kv.Set(pb.SetRequest(key=b"k", value=b"v")).version
    kept = kv.Delete(pb.DeleteRequest(key=b"k", if_version=version + 1))
    equal((kept.applied, kept.version), (False, version))
    gone = kv.Delete(pb.DeleteRequest(key=b"k", if_version=version, return_previous=True))
    equal((gone.applied, gone.previous, gone.version > version), (True, b"v", True))
    equal(kv.Exists(pb.ExistsRequest(key=b"k")).exists, False)


@check
def increment_and_append():
    equal(kv.Increment(pb.IncrementRequest(key=b"n", delta=42)).value, 42)
    equal(kv.Increment(pb.IncrementRequest(key=b"n", delta=-50)).value, -8)
    equal(kv.Get(pb.GetRequest(key=b"n")).value, b"-8")
    equal(kv.Append(pb.AppendRequest(key=b"a", suffix=b"Hello")).value_bytes, 5)
    answer = kv.Append(pb.AppendRequest(key=b"a", suffix=b" World"))
    read = kv.Get(pb.GetRequest(key=b"a"))
    equal((answer.value_bytes, read.value, read.version), (11, b"Hello World", answer.version))


@check
def expiry():
    written = kv.Set(pb.SetRequest(key=b"k", value=b"v", ttl_ms=1_000_000))
    within(written.ttl_ms, 1_000_000 - SLACK, 1_000_000)
    within(kv.Get(pb.GetRequest(key=b"k")).ttl_ms, 1_000_000 - SLACK, 1_000_000)
    kept = kv.Set(pb.SetRequest(key=b"k", value=b"w", keep_ttl=True))
    within(kept.ttl_ms, 1_000_000 - SLACK, 1_000_000)
    later = kv.Expire(pb.ExpireRequest(key=b"k", ttl_ms=2_000_000, rule=pb.EXPIRE_RULE_LT))
    equal(later.applied, False)
    at = int(time.time() * 1000) + 500_000
    equal(kv.Expire(pb.ExpireRequest(key=b"k", expires_at_ms=at)).applied, True)
    # The server's clock follows the machine's to 5 ms.
    within(kv.Exists(pb.ExistsRequest(key=b"k")).ttl_ms, 500_000 - SLACK, 500_005)
    persisted = kv.Persist(pb.PersistRequest(key=b"k"))
    equal((persisted.applied, ttl_of(persisted)), (True, None))
    equal(kv.Persist(pb.PersistRequest(key=b"k")).applied, False)
    equal(kv.Expire(pb.ExpireRequest(key=b"k", ttl_ms=9, rule=pb.EXPIRE_RULE_XX)).applied, False)
    equal(ttl_of(kv.Get(pb.GetRequest(key=b"k"))), None)


@check
def keys_end():
    kv.Set(pb.SetRequest(key=b"k", value=b"v", ttl_ms=30))
    limit = time.monotonic() + SLACK / 1000
    while (found := kv.Exists(pb.ExistsRequest(key=b"k"))).exists:
        within(found.ttl_ms, 0, 30)
        equal(time.monotonic() < limit, True, "the key lives on")
    equal(kv.Get(pb.GetRequest(key=b"k")).version, 0)


@check
def durability():
    for level in (pb.DURABILITY_MEMORY, pb.DURABILITY_BUFFERED, pb.DURABILITY_FSYNC):
        answer = kv.Set(pb.SetRequest(key=b"k", value=b"v", durability=level))
        equal(answer.achieved, pb.DURABILITY_FSYNC, "the default of this server is the strongest")

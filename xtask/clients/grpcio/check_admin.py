"""What operators ask: statistics, flush, snapshots, health, and what there is to call."""

from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from google.protobuf.descriptor_pool import DescriptorPool
from harness import check, equal, within

from connection import admin, admin_pb2, channel, kv, kv_pb2 as pb


@check
def statistics():
    before = admin.Stats(admin_pb2.StatsRequest())
    equal((before.keys, before.volatile_keys, before.payload_bytes), (0, 0, 0))
    kv.Set(pb.SetRequest(key=b"key", value=b"value"))
    kv.Set(pb.SetRequest(key=b"k2", value=b"v", ttl_ms=100_000))
    kv.Get(pb.GetRequest(key=b"key"))
    kv.Get(pb.GetRequest(key=b"none"))
    stats = admin.Stats(admin_pb2.StatsRequest())
    equal((stats.keys, stats.volatile_keys, stats.payload_bytes), (2, 1, 11))
    equal((stats.hits - before.hits, stats.misses - before.misses, stats.writes - before.writes), (1, 1, 2))
    equal((stats.durability_max, stats.persistence.fsync), (pb.DURABILITY_FSYNC, "always"))
    equal(stats.persistence.durable_position, stats.persistence.log_position)
    within(stats.memory_used_bytes, 11, 1 << 30)


@check
def flush():
    for number in range(10):
        kv.Set(pb.SetRequest(key=f"k{number}".encode(), value=b"v"))
    answer = admin.Flush(admin_pb2.FlushRequest())
    equal((answer.removed, answer.achieved), (10, pb.DURABILITY_FSYNC))
    equal(kv.Exists(pb.ExistsRequest(key=b"k1")).exists, False)


@check
def snapshots():
    kv.Set(pb.SetRequest(key=b"k", value=b"v"))
    taken = admin.Snapshot(admin_pb2.SnapshotRequest())
    equal(taken.keys, 1)
    last = admin.Stats(admin_pb2.StatsRequest()).persistence.last_snapshot
    equal((last.keys, last.bytes), (1, taken.bytes))


@check
def health():
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "kv.v1.Kv", "kv.v1.Admin"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
        equal(answer.status, health_pb2.HealthCheckResponse.SERVING, service)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="kv.v1.Kv"))
    equal(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
    watch.cancel()


@check
def reflection():
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    equal({"kv.v1.Kv", "kv.v1.Admin", "grpc.health.v1.Health"} - services, set())
    pool = DescriptorPool(database)
    for name, generated in (("Kv", pb.DESCRIPTOR), ("Admin", admin_pb2.DESCRIPTOR)):
        methods = [method.name for method in pool.FindServiceByName(f"kv.v1.{name}").methods]
        equal(methods, [method.name for method in generated.services_by_name[name].methods])

"""Channels: big messages, threads, tasks, and a server that comes back."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import grpc
from harness import check, equal, kill, start

from connection import TARGET, connect, kv, kv_pb2 as pb, kv_pb2_grpc


@check
def big_values():
    with connect(max_receive_message_length=-1, max_send_message_length=-1) as channel:
        stub = kv_pb2_grpc.KvStub(channel)
        for size in (1 << 20, 10 << 20):
            value = bytes(range(256)) * (size >> 8)
            stub.Set(pb.SetRequest(key=b"big", value=value))
            equal(stub.Get(pb.GetRequest(key=b"big")).value == value, True, f"{size} bytes")


@check
def compressed_requests():
    try:
        answer = kv.Set(pb.SetRequest(key=b"k", value=b"v" * 10_000), compression=grpc.Compression.Gzip)
    except grpc.RpcError as error:
        # Not supported, and said so as the specification wants it.
        equal(error.code(), grpc.StatusCode.UNIMPLEMENTED)
    else:
        equal(answer.applied, True)
        equal(kv.Get(pb.GetRequest(key=b"k")).value, b"v" * 10_000)


@check
def deadlines_and_cancelling():
    stream = kv.Pipeline(iter([]), timeout=30)
    equal(list(stream), [])
    scan = kv.Scan(pb.ScanRequest())
    scan.cancel()
    equal(kv.Set(pb.SetRequest(key=b"k", value=b"v"), timeout=30).applied, True)


@check
def threads_share_a_channel():
    def work(thread):
        for number in range(50):
            kv.Increment(pb.IncrementRequest(key=b"shared", delta=1))
            key = f"{thread}:{number}".encode()
            kv.Set(pb.SetRequest(key=key, value=key))
            equal(kv.Get(pb.GetRequest(key=key)).value, key)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    equal(kv.Get(pb.GetRequest(key=b"shared")).value, b"400")


@check
def tasks_share_a_channel():
    async def together():
        async with grpc.aio.insecure_channel(TARGET) as channel:
            stub = kv_pb2_grpc.KvStub(channel)
            call = (stub.Increment(pb.IncrementRequest(key=b"n", delta=1)) for _ in range(300))
            answers = await asyncio.gather(*call)
            equal(sorted(answer.value for answer in answers), list(range(1, 301)))
            found = [entry.key async for page in stub.Scan(pb.ScanRequest()) for entry in page.entries]
            equal(found, [b"n"])

    asyncio.run(together())


@check
def a_server_that_comes_back():
    version = kv.Set(pb.SetRequest(key=b"kept", value=b"before")).version
    kill()
    try:
        kv.Get(pb.GetRequest(key=b"kept"))
    except grpc.RpcError as error:
        equal(error.code(), grpc.StatusCode.UNAVAILABLE)
    else:
        raise AssertionError("a killed server has answered")
    start()
    read = kv.Get(pb.GetRequest(key=b"kept"), wait_for_ready=True)
    equal((read.value, read.version), (b"before", version), "what was acknowledged is there")
    later = kv.Set(pb.SetRequest(key=b"kept", value=b"after"))
    equal(later.version > version, True, "versions grow across restarts")

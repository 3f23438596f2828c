"""Many keys: batches, pipelines of batches, scans."""

from harness import check, equal

from connection import kv, kv_pb2 as pb


def set_op(key, value, **more):
    return pb.Op(set=pb.SetRequest(key=key, value=value, **more))


def get_op(key):
    return pb.Op(get=pb.GetRequest(key=key))


@check
def batch_get():
    kv.BatchWrite(pb.BatchWriteRequest(ops=[set_op(b"a", b"1"), set_op(b"b", b"2")]))
    answer = kv.BatchGet(pb.BatchGetRequest(keys=[b"b", b"none", b"a"]))
    equal([result.value if result.HasField("value") else None for result in answer.results], [b"2", None, b"1"])


@check
def an_independent_batch():
    ops = [
        set_op(b"k", b"text"),
        get_op(b"k"),
        pb.Op(increment=pb.IncrementRequest(key=b"k", delta=1)),
        pb.Op(append=pb.AppendRequest(key=b"k", suffix=b"!")),
        pb.Op(expire=pb.ExpireRequest(key=b"k", ttl_ms=100_000)),
        pb.Op(exists=pb.ExistsRequest(key=b"k")),
        pb.Op(delete=pb.DeleteRequest(key=b"k")),
    ]
    answer = kv.BatchWrite(pb.BatchWriteRequest(ops=ops))
    kinds = [result.WhichOneof("result") for result in answer.results]
    equal((answer.applied, kinds), (True, ["set", "get", "error", "append", "expire", "exists", "delete"]))
    equal(answer.results[1].get.value, b"text")
    equal(answer.results[2].error.reason, pb.ERROR_REASON_NOT_AN_INTEGER)
    equal(answer.results[5].exists.value_bytes, 5)
    equal(answer.results[6].delete.applied, True)


@check
def an_atomic_batch_is_applied_or_not():
    def batch(version):
        ops = [set_op(b"a", b"new"), set_op(b"b", b"new", condition=pb.CONDITION_IF_VERSION, if_version=version)]
        return kv.BatchWrite(pb.BatchWriteRequest(ops=ops, atomic=True))

    version = kv.Set(pb.SetRequest(key=b"b", value=b"old")).version
    refused = batch(version + 1)
    equal((refused.applied, len(refused.results), refused.failed_index), (False, 0, 1))
    equal((refused.failed_result.set.applied, refused.failed_result.set.version), (False, version))
    equal(kv.Exists(pb.ExistsRequest(key=b"a")).exists, False)
    equal(batch(version).applied, True)
    answer = kv.BatchGet(pb.BatchGetRequest(keys=[b"a", b"b"]))
    equal([result.value for result in answer.results], [b"new", b"new"])


@check
def a_pipeline_of_batches():
    def requests():
        for tag in range(300):
            ops = [set_op(f"k{tag}".encode(), b"v"), pb.Op(increment=pb.IncrementRequest(key=b"n", delta=1))]
            yield pb.PipelineRequest(tag=tag, batch=pb.BatchWriteRequest(ops=ops))

    answers = list(kv.Pipeline(requests()))
    equal([answer.tag for answer in answers], list(range(300)))
    equal([answer.batch.results[1].increment.value for answer in answers], list(range(1, 301)))


@check
def scans():
    written = {f"key:{number}".encode(): f"v{number}".encode() for number in range(1000)}
    ops = [set_op(key, value) for key, value in written.items()] + [set_op(b"other", b"v", ttl_ms=100_000)]
    kv.BatchWrite(pb.BatchWriteRequest(ops=ops))

    def scanned(**request):
        pages = list(kv.Scan(pb.ScanRequest(**request)))
        return pages, {entry.key: entry.value for page in pages for entry in page.entries}

    pages, found = scanned(prefix=b"key:", page_keys=50, values=True)
    equal(found, written)
    equal(max(len(page.entries) for page in pages) <= 50, True, "keys of a page")
    equal((pages[-1].cursor, all(page.cursor for page in pages[:-1])), (b"", True))
    equal(len(scanned()[1]), 1001)
    equal(scanned(prefix=b"none")[1], {})
    # Page by page, each with a call of its own.
    found, cursor = set(), b""
    while True:
        (page,) = scanned(cursor=cursor, pages=1, page_keys=100)[0]
        found |= {entry.key for entry in page.entries}
        cursor = page.cursor
        if not cursor:
            break
    equal(found, set(written) | {b"other"})

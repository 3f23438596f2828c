"""Refusals: the status, and the ErrorInfo that says why."""

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from harness import check, equal

from connection import kv, kv_pb2 as pb


def refused(function, request, code, reason):
    """Fails unless the call ends with this code, and with this reason in its details."""
    try:
        answer = function(request)
        answer = list(answer) if hasattr(answer, "__iter__") else answer
    except grpc.RpcError as error:
        info = error_details_pb2.ErrorInfo()
        details = rpc_status.from_call(error).details
        equal(any(detail.Unpack(info) for detail in details), True, f"no ErrorInfo in {details}")
        equal((error.code(), info.reason, info.domain), (code, reason, "kv"), error.details())
        return
    raise AssertionError(f"expected {reason}, got {answer}")


@check
def refusals_say_why():
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    refused(kv.Get, pb.GetRequest(key=b""), invalid, "KEY_EMPTY")
    refused(kv.Get, pb.GetRequest(key=b"k" * (1 << 20)), invalid, "KEY_TOO_LONG")
    refused(kv.Set, pb.SetRequest(key=b"k", ttl_ms=0), invalid, "EXPIRY_OUT_OF_RANGE")
    refused(kv.Set, pb.SetRequest(key=b"k", condition=99), invalid, "UNKNOWN_ENUM_VALUE")
    refused(kv.Set, pb.SetRequest(key=b"k", if_version=1), invalid, "CONFLICTING_FIELDS")
    refused(kv.Expire, pb.ExpireRequest(key=b"k"), invalid, "CONFLICTING_FIELDS")
    refused(kv.Scan, pb.ScanRequest(cursor=b"damaged"), invalid, "CURSOR_INVALID")


@check
def refusals_by_what_is_there():
    kv.Set(pb.SetRequest(key=b"k", value=b"text"))
    refused(kv.Increment, pb.IncrementRequest(key=b"k", delta=1), grpc.StatusCode.FAILED_PRECONDITION, "NOT_AN_INTEGER")
    kv.Set(pb.SetRequest(key=b"k", value=str(2**63 - 1).encode()))
    refused(kv.Increment, pb.IncrementRequest(key=b"k", delta=1), grpc.StatusCode.OUT_OF_RANGE, "INTEGER_OVERFLOW")
    equal(kv.Get(pb.GetRequest(key=b"k")).value, b"9223372036854775807")


@check
def a_pipeline_ends_with_the_refusal_of_a_batch():
    too_many = [pb.Op(get=pb.GetRequest(key=b"k"))] * 200_000
    requests = iter([pb.PipelineRequest(batch=pb.BatchWriteRequest(ops=too_many))])
    refused(kv.Pipeline, requests, grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE")

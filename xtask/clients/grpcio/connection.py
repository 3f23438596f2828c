"""Generates a client from proto/, as its users would, and connects with it."""

import os
import pathlib
import sys

import grpc
from grpc_tools import protoc
from harness import address

PROTO = pathlib.Path(os.environ["KV_CLIENTS_ROOT"], "proto")
OUT = os.environ["KV_CLIENTS_OUT"]

_files = sorted(str(path) for path in PROTO.rglob("*.proto"))
if protoc.main(["protoc", f"-I{PROTO}", f"--python_out={OUT}", f"--grpc_python_out={OUT}", *_files]) != 0:
    raise SystemExit("proto/ cannot be compiled")
sys.path.insert(0, OUT)

from kv.v1 import admin_pb2, admin_pb2_grpc, kv_pb2, kv_pb2_grpc  # noqa: E402, F401

TARGET = ":".join(map(str, address("GRPC")))


def connect(**options):
    """A channel with the library's defaults, but for the options."""
    return grpc.insecure_channel(TARGET, options=[(f"grpc.{name}", value) for name, value in options.items()])


channel = connect()
kv = kv_pb2_grpc.KvStub(channel)
admin = admin_pb2_grpc.AdminStub(channel)

"""gRPC for Python against the server, with a client that is generated from proto/: every rpc, exact answers."""

import grpc
import harness
from google.protobuf import __version__ as protobuf_version

from connection import admin, admin_pb2

# What these list is checked.
import check_admin  # noqa: F401
import check_batches  # noqa: F401
import check_errors  # noqa: F401
import check_keys  # noqa: F401
import check_transport  # noqa: F401

harness.version(f"grpcio {grpc.__version__} (protobuf {protobuf_version})")
harness.main(before_each=lambda: admin.Flush(admin_pb2.FlushRequest(), wait_for_ready=True))

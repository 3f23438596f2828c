"""What schemathesis cannot know by itself: how Protobuf bodies are sent, and which parameters go together."""

import zlib

import schemathesis
from hypothesis import strategies
from schemathesis import GenerationMode

RAW = "application/octet-stream"
PROTOBUF = ("application/x-protobuf", "application/protobuf")

#: The parameters of each operation of POST, beside those of all.
OPERATIONS = {
    "increment": {"delta"},
    "append": set(),
    "expire": {"ttl", "ttl_ms", "expires_at_ms", "rule"},
    "persist": set(),
}

#: Of these at most one may be given.
EXPIRIES = ("ttl", "ttl_ms", "expires_at_ms", "keep_ttl")

#: Of so many requests one keeps its preconditions: most of those do not hold.
KEEP_PRECONDITIONS = 4


@schemathesis.serializer(*PROTOBUF)
def serialize(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


for media_type in PROTOBUF:
    schemathesis.openapi.media_type(media_type, strategies.binary(max_size=64))


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Makes one of a well-formed request that can succeed, where its parts contradict each other."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    query, headers = case.query or {}, case.headers or {}
    own = OPERATIONS.get(query.get("op"))
    if own is not None:
        for name in set(query) - own - {"op", "durability"}:
            del query[name]
        if query["op"] != "append":
            case.media_type, case.body = RAW, b""
    for name in [name for name in EXPIRIES if name in query][1:]:
        del query[name]
    if "durability" in query:
        headers.pop("Kv-Durability", None)
    if zlib.crc32(case.id.encode()) % KEEP_PRECONDITIONS:
        headers.pop("If-Match", None)
        headers.pop("If-None-Match", None)
